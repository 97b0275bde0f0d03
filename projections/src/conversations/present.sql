-- Conversations that somebody is in, in the order of their ids from behind one of them, each with the other one where it is one of two.
SELECT m.conversation, c.kind = 'direct' AS direct, o.user_id AS other
  FROM (SELECT m.conversation FROM {conversations}.member m
         WHERE m.user_id = $1 AND m.conversation > $2 AND m.left_seq IS NULL
         ORDER BY m.conversation LIMIT $3) m
 CROSS JOIN LATERAL (SELECT c.kind FROM {conversations}.conversation c WHERE c.conversation = m.conversation LIMIT 1) c
  LEFT JOIN LATERAL (SELECT o.user_id FROM {conversations}.member o
                      WHERE o.conversation = m.conversation AND o.user_id <> $1 AND c.kind = 'direct' LIMIT 1) o ON true
 ORDER BY m.conversation
