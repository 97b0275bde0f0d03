SELECT id FROM account WHERE id = ANY($1) AND announced_at IS NOT NULL AND deleted_at IS NULL
