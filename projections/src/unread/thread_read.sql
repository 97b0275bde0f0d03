INSERT INTO {schema}.thread_read AS r (user_id, conversation, thread, seq)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) u
ON CONFLICT (user_id, conversation, thread) DO UPDATE SET seq = greatest(r.seq, excluded.seq)
