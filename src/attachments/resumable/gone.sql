-- Another node may find the parts, and have stored it by now.
DELETE FROM upload WHERE id = $1 AND NOT stored AND tried_at < now() - $2::bigint * interval '1 second' RETURNING parts
