DELETE FROM {schema}.invited i
 USING unnest($1::uuid[], $2::uuid[]) u(user_id, conversation)
 WHERE i.user_id = u.user_id AND i.conversation = u.conversation
