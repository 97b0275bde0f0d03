UPDATE account_matter SET told_at = now() WHERE id = $1 AND told_at IS NULL
