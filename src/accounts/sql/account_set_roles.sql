WITH found AS (
    SELECT id, roles FROM account WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE),
changed AS (
    SELECT id, array(SELECT unnest($2::text[]) EXCEPT SELECT unnest(roles) ORDER BY 1) AS granted,
           array(SELECT unnest(roles) EXCEPT SELECT unnest($2::text[]) ORDER BY 1) AS taken
      FROM found),
noted AS (
    INSERT INTO account_matter (account, matter, told)
    SELECT id, 'roles_changed', jsonb_build_object('matter', 'roles_changed', 'granted', granted, 'taken', taken)::text
      FROM changed WHERE granted || taken <> '{}' AND account_is_told(id, 'roles_changed'))
UPDATE account SET roles = $2 WHERE id IN (SELECT id FROM found)
