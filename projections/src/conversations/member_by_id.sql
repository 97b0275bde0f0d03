-- Those of these people who are members of the conversations in the same places.
SELECT m.conversation, m.user_id, m.role, m.joined_at
  FROM unnest($1::uuid[], $2::uuid[]) k(conversation, user_id)
 CROSS JOIN LATERAL (SELECT * FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.user_id = k.user_id AND m.left_seq IS NULL LIMIT 1) m
