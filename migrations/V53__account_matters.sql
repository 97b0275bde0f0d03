-- What people are told of their accounts, on its way to the log: it is noted in the transaction that does it, and nodes tell the log behind that.
CREATE TABLE account_matter (
    -- That of the command as well, so that the log takes it once, from whatever nodes it comes.
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account uuid NOT NULL REFERENCES account,
    -- What it is about, and all that is told, as JSON. No secrets, and no addresses: the log keeps it.
    matter  text NOT NULL,
    told    text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the log took it; while absent, nodes tell it again.
    told_at timestamptz
);
CREATE INDEX account_matter_untold ON account_matter (at, id) WHERE told_at IS NULL;
CREATE INDEX account_matter_told ON account_matter (told_at) WHERE told_at IS NOT NULL;
CREATE INDEX account_matter_account ON account_matter (account, matter, at);

-- Whether somebody is told of one more matter of a kind: they are of twenty in a day.
CREATE FUNCTION account_is_told(p_account uuid, p_matter text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT count(*) < 20 FROM account_matter
     WHERE account = p_account AND matter = p_matter AND at > clock_timestamp() - interval '1 day'
$$;

-- Sets a new password in place of p_old, if that is still the one, and notes that. Ends all sessions but p_session, whose earlier refresh
-- tokens are good no more. Answers whether it did.
CREATE OR REPLACE FUNCTION account_set_password(p_account uuid, p_old text, p_new text, p_session uuid, p_token bytea, p_ttl_s bigint)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    PERFORM FROM session WHERE account = p_account ORDER BY id FOR NO KEY UPDATE;
    at := clock_timestamp();
    PERFORM FROM session WHERE id = p_session AND account = p_account AND revoked_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE account SET password_hash = p_new WHERE id = p_account AND password_hash = p_old AND suspended_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE session SET revoked_at = at WHERE account = p_account AND id <> p_session AND revoked_at IS NULL;
    DELETE FROM refresh_token WHERE session = p_session;
    INSERT INTO refresh_token (hash, session, expires_at) VALUES (p_token, p_session, at + p_ttl_s * interval '1 second');
    UPDATE session SET expires_at = at + p_ttl_s * interval '1 second', last_used_at = at WHERE id = p_session;
    INSERT INTO account_matter (account, matter, told)
    SELECT p_account, 'password_changed', '{"matter":"password_changed"}' WHERE account_is_told(p_account, 'password_changed');
    RETURN true;
END $$;
