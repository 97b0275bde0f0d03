DELETE FROM {schema}.reaction r
 USING unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[]) u(conversation, message_seq, emoji, user_id)
 WHERE r.conversation = u.conversation AND r.message_seq = u.message_seq AND r.emoji = u.emoji AND r.user_id = u.user_id
