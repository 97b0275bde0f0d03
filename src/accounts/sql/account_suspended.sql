SELECT FROM account WHERE id = $1 AND suspended_at IS NOT NULL AND deleted_at IS NULL
