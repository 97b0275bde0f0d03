-- Without an inviter all are gone.
DELETE FROM {schema}.invitation i
 USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) u(conversation, user_id, by_user)
 WHERE i.conversation = u.conversation AND i.user_id = u.user_id AND i.by_user = coalesce(u.by_user, i.by_user)
