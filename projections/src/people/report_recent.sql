SELECT f.filed_at FROM {people}.filing f WHERE f.reporter = $1 AND f.filed_at > $2 ORDER BY f.filed_at DESC OFFSET $3::bigint - 1 LIMIT 1
