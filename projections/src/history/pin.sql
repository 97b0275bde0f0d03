-- A recall wins: what comes behind it has no effect.
INSERT INTO {schema}.pin (conversation, message_seq, seq)
SELECT u.conversation, u.message_seq, u.seq
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[]) u(conversation, message_seq, message, seq)
 CROSS JOIN LATERAL (SELECT FROM {schema}.message m
                      WHERE m.conversation = u.conversation AND m.seq = u.message_seq AND m.message = u.message
                        AND m.recalled_at IS NULL LIMIT 1) m
ON CONFLICT DO NOTHING
