-- What the viewer has hidden from themselves or does not see is not there: of each conversation floors say up to where.
SELECT {message_columns}
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
 CROSS JOIN LATERAL (SELECT x.message_seq, x.seq FROM {history}.pin x WHERE x.conversation = k.conversation) p
 CROSS JOIN LATERAL (SELECT * FROM {history}.message m WHERE m.conversation = k.conversation AND m.seq = p.message_seq LIMIT 1) m
 WHERE (SELECT true FROM {unread}.hidden x WHERE x.user_id = $2 AND x.conversation = m.conversation AND x.seq = m.seq LIMIT 1) IS NULL
   AND m.seq > coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $2 AND c.conversation = m.conversation), 0)
 ORDER BY k.number, p.seq DESC
