SELECT id, device, address, created_at, coalesce(last_used_at, created_at) AS last_used_at
  FROM session WHERE account = $1 AND revoked_at IS NULL AND expires_at > now()
 ORDER BY coalesce(last_used_at, created_at) DESC, id LIMIT $2
