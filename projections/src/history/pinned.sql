SELECT p.conversation, p.message_seq
  FROM unnest($1::uuid[], $2::bigint[]) k(conversation, message_seq)
 CROSS JOIN LATERAL (SELECT x.conversation, x.message_seq FROM {history}.pin x
                      WHERE x.conversation = k.conversation AND x.message_seq = k.message_seq LIMIT 1) p
