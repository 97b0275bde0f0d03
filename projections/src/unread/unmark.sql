DELETE FROM {schema}.marked m
 USING unnest($1::uuid[], $2::uuid[]) u(user_id, conversation)
 WHERE m.user_id = u.user_id AND m.conversation = u.conversation
