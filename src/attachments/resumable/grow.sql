UPDATE upload SET received = $3, parts = parts || $4, ends = ends || $5, tried_at = now(),
       expires_at = least(now() + $6::bigint * interval '1 second', begun_at + $7::bigint * interval '1 second')
 WHERE id = $1 AND received = $2 AND NOT stored AND expires_at > now()
RETURNING expires_at
