-- A recall wins: what comes behind it has no effect. With the first edit of a message comes the text that it was sent with.
INSERT INTO {schema}.edit (conversation, message_seq, seq, at, text)
SELECT u.conversation, u.message_seq, v.seq, v.at, v.text
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::text[])
       u(conversation, message_seq, message, seq, at, text)
 CROSS JOIN LATERAL (SELECT m.at, m.text FROM {schema}.message m
                      WHERE m.conversation = u.conversation AND m.seq = u.message_seq AND m.message = u.message
                        AND m.recalled_at IS NULL LIMIT 1) m
 CROSS JOIN LATERAL (VALUES (u.message_seq, m.at, m.text), (u.seq, u.at, u.text)) v(seq, at, text)
ON CONFLICT DO NOTHING
