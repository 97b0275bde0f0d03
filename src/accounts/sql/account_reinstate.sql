UPDATE account SET suspended_at = NULL WHERE id = $1
