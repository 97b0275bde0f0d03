SELECT r.filed_at FROM {people}.report r WHERE r.reporter = $1 AND r.filed_at > $2 ORDER BY r.filed_at DESC OFFSET $3::bigint - 1 LIMIT 1
