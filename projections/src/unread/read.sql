INSERT INTO {schema}.reader AS r (user_id, conversation, read_seq, read_msg_no)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) u
ON CONFLICT (user_id, conversation) DO UPDATE SET read_seq = greatest(r.read_seq, excluded.read_seq),
       read_msg_no = greatest(r.read_msg_no, excluded.read_msg_no)
