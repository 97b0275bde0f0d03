-- Members of these conversations, the first of each, between whom and somebody a block stands, whoever of the two it is that blocks.
SELECT k.conversation, m.user_id
  FROM unnest($2::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT m.user_id FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.left_seq IS NULL ORDER BY m.user_id LIMIT $3) m
 WHERE (SELECT true FROM {people}.tie b WHERE b.user_id = m.user_id AND b.kind = 'blocked' AND b.other_id = $1 LIMIT 1) IS NOT NULL
    OR (SELECT true FROM {people}.tie b WHERE b.user_id = $1 AND b.kind = 'blocked' AND b.other_id = m.user_id LIMIT 1) IS NOT NULL
