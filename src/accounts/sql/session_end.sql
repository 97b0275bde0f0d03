UPDATE session SET revoked_at = now()
 WHERE id = $1 AND account = $2 AND revoked_at IS NULL AND expires_at > now()
