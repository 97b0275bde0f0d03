INSERT INTO {schema}.cleared AS c (user_id, conversation, seq, msg_no)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) u
ON CONFLICT (user_id, conversation) DO UPDATE SET seq = greatest(c.seq, excluded.seq), msg_no = greatest(c.msg_no, excluded.msg_no)
