DELETE FROM {schema}.archived a
 USING unnest($1::uuid[], $2::uuid[]) u(user_id, conversation)
 WHERE a.user_id = u.user_id AND a.conversation = u.conversation
