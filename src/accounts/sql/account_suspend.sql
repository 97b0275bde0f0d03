UPDATE account SET suspended_at = coalesce(suspended_at, now()) WHERE id = $1 AND deleted_at IS NULL
