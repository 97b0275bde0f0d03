SELECT m.conversation, c.title, now() AS now
  FROM {conversations}.member m
 CROSS JOIN LATERAL (SELECT c.title FROM {conversations}.conversation c WHERE c.conversation = m.conversation LIMIT 1) c
 WHERE m.user_id = $1 AND m.left_seq IS NULL
   AND ($2::text[] IS NULL OR lower(c.title) = ANY ($2) OR c.title = ANY ($2) OR m.conversation::text = ANY ($2))
 ORDER BY m.conversation LIMIT $3
