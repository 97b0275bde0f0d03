UPDATE {schema}.conversation c
   SET title = coalesce(u.title, c.title), last_seq = u.last_seq, last_msg_no = u.last_msg_no, last_at = coalesce(u.last_at, c.last_at),
       last_message = coalesce(u.last_message, c.last_message),
       last_message_seq = coalesce(u.last_message_seq, c.last_message_seq)
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::uuid[], $7::bigint[])
       u(conversation, title, last_seq, last_msg_no, last_at, last_message, last_message_seq)
 WHERE c.conversation = u.conversation
