UPDATE upload SET received = $3, parts = parts || $4, ends = ends || $5, expires_at = now() + $6::bigint * interval '1 second'
 WHERE id = $1 AND received = $2 AND NOT stored
RETURNING expires_at
