SELECT id FROM account WHERE id = $1 AND deleted_at IS NULL AND roles && $2::text[]
