-- For a day they count.
DELETE FROM account_matter
 WHERE id IN (SELECT id FROM account_matter WHERE told_at < now() - interval '1 day' ORDER BY told_at LIMIT $1)
