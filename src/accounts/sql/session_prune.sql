DELETE FROM session
 WHERE id IN (SELECT id FROM session WHERE expires_at < now() ORDER BY expires_at LIMIT $1)
