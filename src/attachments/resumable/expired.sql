DELETE FROM upload WHERE id IN (SELECT u.id FROM upload u WHERE u.expires_at <= $1 ORDER BY u.expires_at LIMIT 100) RETURNING parts
