SELECT name, media_type, metadata, size, received, parts, ends, stored, expires_at FROM upload WHERE id = $1 AND user_id = $2 AND NOT whole AND expires_at > now()
