UPDATE account SET suspended_at = NULL WHERE id = $1 AND deleted_at IS NULL
