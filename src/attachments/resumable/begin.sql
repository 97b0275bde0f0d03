INSERT INTO upload (id, user_id, name, media_type, size, expires_at)
SELECT $1, $2, $3, $4, $5, now() + $6::bigint * interval '1 second'
 WHERE (SELECT count(*) FROM upload u WHERE u.user_id = $2 AND NOT u.stored) < $7
RETURNING expires_at
