-- Matters behind a place that the log was not told of.
SELECT id, account, told, at FROM account_matter WHERE told_at IS NULL AND (at, id) > ($2, $3) ORDER BY at, id LIMIT $1
