UPDATE session SET revoked_at = coalesce(revoked_at, now())
 WHERE id = (SELECT session FROM refresh_token WHERE hash = $1)
