-- Those of these people who are members of a conversation.
SELECT m.user_id
  FROM unnest($2::uuid[]) k(user_id)
 CROSS JOIN LATERAL (SELECT m.user_id FROM {conversations}.member m
                      WHERE m.conversation = $1 AND m.user_id = k.user_id AND m.left_seq IS NULL LIMIT 1) m
