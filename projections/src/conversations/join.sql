INSERT INTO {schema}.member (conversation, user_id, role, joined_seq, joined_msg_no, joined_at, left_seq)
SELECT u.*
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[]) u
ON CONFLICT (conversation, user_id) DO UPDATE SET role = excluded.role, joined_seq = excluded.joined_seq,
       joined_msg_no = excluded.joined_msg_no, joined_at = excluded.joined_at, left_seq = excluded.left_seq
