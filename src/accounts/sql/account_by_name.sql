SELECT id FROM account WHERE username_key = $1 AND deleted_at IS NULL
