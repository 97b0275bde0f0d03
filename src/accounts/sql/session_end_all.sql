UPDATE session SET revoked_at = now() WHERE account = $1 AND revoked_at IS NULL
