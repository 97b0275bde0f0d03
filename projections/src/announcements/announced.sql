INSERT INTO {schema}.announced (user_id, seq, announcement, read)
SELECT u.user_id, u.seq, u.announcement, false FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) u(user_id, seq, announcement)
ON CONFLICT (user_id, seq) DO NOTHING
