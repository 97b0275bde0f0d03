UPDATE account SET deletion_told_at = now() WHERE id = $1 AND deletion_told_at IS NULL
