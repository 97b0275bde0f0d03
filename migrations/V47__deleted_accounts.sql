-- Accounts that are deleted. A row stays: it holds the name where names are kept, and keeps out whoever comes from an outside issuer.
ALTER TABLE account ADD COLUMN deleted_at timestamptz;
ALTER TABLE account ADD COLUMN deleted_by_operator boolean NOT NULL DEFAULT false;
-- When the log took the deletion; while absent, nodes tell it again.
ALTER TABLE account ADD COLUMN deletion_told_at timestamptz;
-- Nodes look for those that were deleted since they looked last, and for those that the log does not know of.
CREATE INDEX account_deleted ON account (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX account_deletion_untold ON account (deleted_at) WHERE deleted_at IS NOT NULL AND deletion_told_at IS NULL;

-- Who is suspended, apart from those whose accounts are deleted.
CREATE INDEX account_suspended_only ON account (id) WHERE suspended_at IS NOT NULL AND deleted_at IS NULL;

-- Deletes an account, once, and only while p_password is what its password hashes to, where that is given. Ends its sessions. With p_free
-- the name becomes one that no username can be, so that somebody else may take it. It counts as suspended, too, so that
-- nodes refuse it that know nothing of deletions. Answers whether it did.
CREATE FUNCTION account_delete(p_account uuid, p_password text, p_by_operator boolean, p_free boolean)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM session WHERE account = p_account ORDER BY id FOR NO KEY UPDATE;
    UPDATE account
       SET deleted_at = clock_timestamp(), deleted_by_operator = p_by_operator, username = id::text,
           username_key = CASE WHEN p_free THEN '#' || id::text ELSE username_key END,
           display_name = 'deleted user', password_hash = NULL, roles = '{}',
           suspended_at = coalesce(suspended_at, clock_timestamp())
     WHERE id = p_account AND deleted_at IS NULL AND (p_password IS NULL OR password_hash = p_password);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Those too that have begun meanwhile: whoever begins one holds the account's row.
    UPDATE session SET revoked_at = clock_timestamp() WHERE account = p_account AND revoked_at IS NULL;
    RETURN true;
END $$;
