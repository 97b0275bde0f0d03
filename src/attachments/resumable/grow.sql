UPDATE upload SET received = $3, parts = parts || $4, ends = ends || $5, expires_at = $6
 WHERE id = $1 AND received = $2 AND NOT stored
RETURNING id
