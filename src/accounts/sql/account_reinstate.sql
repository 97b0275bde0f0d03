WITH found AS (
    SELECT id, suspended_at IS NOT NULL AS is_suspended FROM account WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE),
noted AS (
    INSERT INTO account_matter (account, matter, told)
    SELECT id, 'reinstated', '{"matter":"reinstated"}' FROM found WHERE is_suspended AND account_is_told(id, 'reinstated'))
UPDATE account SET suspended_at = NULL WHERE id IN (SELECT id FROM found)
