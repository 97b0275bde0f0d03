DELETE FROM {schema}.invitation i
 USING unnest($1::uuid[], $2::uuid[]) u(conversation, user_id)
 WHERE i.conversation = u.conversation AND i.user_id = u.user_id
