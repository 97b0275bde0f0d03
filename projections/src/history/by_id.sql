-- What the viewer has hidden from themselves or does not see is not there: of each conversation floors say up to where.
SELECT {message_columns}
  FROM unnest($1::uuid[], $2::uuid[]) k(conversation, message)
 CROSS JOIN LATERAL (SELECT * FROM {history}.message m WHERE m.message = k.message AND m.conversation = k.conversation LIMIT 1) m
 WHERE (SELECT true FROM {unread}.hidden x WHERE x.user_id = $3 AND x.conversation = m.conversation AND x.seq = m.seq LIMIT 1) IS NULL
   AND m.seq > coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $3 AND c.conversation = m.conversation), 0)
