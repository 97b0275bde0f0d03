INSERT INTO {schema}.thread_part AS p (user_id, conversation, thread, own_seq)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) u
ON CONFLICT (user_id, conversation, thread) DO UPDATE SET own_seq = excluded.own_seq WHERE p.own_seq < excluded.own_seq
