DELETE FROM {schema}.muted m
 USING unnest($1::uuid[], $2::uuid[], $3::boolean[]) u(user_id, conversation, is_on)
 WHERE m.user_id = u.user_id AND m.conversation = u.conversation AND NOT u.is_on
