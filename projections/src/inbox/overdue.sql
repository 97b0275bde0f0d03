-- Members of conversations, those behind a user, each with whether they have not been sent the message of a number.
SELECT u.i, m.user_id, m.left_seq IS NULL AND coalesce(k.delivered_msg_no, 0) < u.msg_no AS overdue
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY u(conversation, after, msg_no, i)
 CROSS JOIN LATERAL (SELECT m.user_id, m.conversation, m.left_seq FROM {conversations}.member m
                      WHERE m.conversation = u.conversation AND m.user_id > u.after ORDER BY m.user_id LIMIT $4) m
{delivery_cursor}
 ORDER BY u.i, m.user_id
