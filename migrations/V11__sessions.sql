-- Sessions as their users see them, ends that every node learns of, and refreshes that may be repeated.

-- From where and by what a session was begun, and when it was last used for a refresh.
ALTER TABLE session ADD COLUMN device text;
ALTER TABLE session ADD COLUMN address text;
ALTER TABLE session ADD COLUMN last_used_at timestamptz;
-- Nodes look for those that have ended since they looked last.
CREATE INDEX session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL;

-- The hash of the token that was spent for this one.
ALTER TABLE refresh_token ADD COLUMN parent bytea;

-- Spends a refresh token for its successor. Everything of one family happens one after the other under the lock of its
-- session, so that a revocation cannot miss a token that is just being issued. A token that was spent less than p_grace_s
-- ago, and none of whose successors was spent, is being presented by whoever lost the answer: it gets another successor.
CREATE FUNCTION session_refresh(p_old bytea, p_new bytea, p_ttl_s bigint, p_grace_s bigint, p_address text)
RETURNS TABLE (o_outcome text, o_session uuid, o_account uuid, o_key text, o_roles text[])
LANGUAGE plpgsql AS $$
DECLARE
    t refresh_token;
    s session;
    a account;
    at timestamptz;
BEGIN
    SELECT r.session INTO o_session FROM refresh_token r WHERE r.hash = p_old;
    SELECT * INTO s FROM session WHERE id = o_session FOR NO KEY UPDATE;
    SELECT * INTO t FROM refresh_token r WHERE r.hash = p_old;
    at := clock_timestamp();
    IF s.id IS NULL OR t.hash IS NULL THEN
        o_outcome := 'unknown';
    ELSIF s.revoked_at IS NOT NULL THEN
        o_outcome := 'revoked';
    ELSIF t.spent_at IS NOT NULL AND (t.spent_at + p_grace_s * interval '1 second' <= at OR EXISTS (
            SELECT FROM refresh_token r WHERE r.session = s.id AND r.parent = p_old AND r.spent_at IS NOT NULL)) THEN
        UPDATE session SET revoked_at = at WHERE id = s.id;
        o_outcome := 'reused';
    ELSIF t.expires_at <= at THEN
        o_outcome := 'expired';
    ELSE
        SELECT * INTO a FROM account WHERE id = s.account;
        o_account := a.id;
        o_key := a.username_key;
        o_roles := a.roles;
        IF a.suspended_at IS NOT NULL THEN
            o_outcome := 'suspended';
        ELSE
            o_outcome := 'refreshed';
            UPDATE refresh_token r SET spent_at = at WHERE r.hash = p_old AND r.spent_at IS NULL;
            INSERT INTO refresh_token (hash, session, expires_at, parent)
                VALUES (p_new, s.id, at + p_ttl_s * interval '1 second', p_old);
            UPDATE session SET expires_at = at + p_ttl_s * interval '1 second', last_used_at = at, address = p_address
                WHERE id = s.id;
        END IF;
    END IF;
    RETURN NEXT;
END $$;

-- Sets a new password in place of p_old, if that is still the one. Ends all sessions but p_session, whose earlier refresh
-- tokens are good no more. Answers whether it did.
CREATE FUNCTION account_set_password(p_account uuid, p_old text, p_new text, p_session uuid, p_token bytea, p_ttl_s bigint)
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
    RETURN true;
END $$;
