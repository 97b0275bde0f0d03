UPDATE upload SET tried_at = now()
 WHERE id = (SELECT u.id FROM upload u
              WHERE u.received = u.size AND NOT u.stored AND NOT u.whole AND u.tried_at < $1 AND u.expires_at > now()
              ORDER BY u.tried_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, user_id, name, media_type, metadata, size, received, parts, ends, stored, expires_at
