DELETE FROM {schema}.archived a
 USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) u(user_id, conversation, before)
 WHERE a.user_id = u.user_id AND a.conversation = u.conversation AND a.msg_no < u.before
