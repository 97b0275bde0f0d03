DELETE FROM {schema}.request r
 USING unnest($1::uuid[], $2::uuid[]) u(conversation, user_id)
 WHERE r.conversation = u.conversation AND r.user_id = u.user_id
