SELECT m.user_id FROM {conversations}.member m WHERE m.conversation = $1 AND m.left_seq IS NULL LIMIT $2
