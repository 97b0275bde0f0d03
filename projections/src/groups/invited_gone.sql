-- Without an inviter all are gone.
DELETE FROM {schema}.invited i
 USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) u(user_id, conversation, by_user)
 WHERE i.user_id = u.user_id AND i.conversation = u.conversation AND i.by_user = coalesce(u.by_user, i.by_user)
