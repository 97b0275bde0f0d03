UPDATE {schema}.member m SET role = coalesce(u.role, m.role), left_seq = coalesce(u.left_seq, m.left_seq)
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) u(conversation, user_id, role, left_seq)
 WHERE m.conversation = u.conversation AND m.user_id = u.user_id
