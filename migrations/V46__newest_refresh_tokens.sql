-- Whoever refreshes again and again does not fill the table.

-- Spends a refresh token for its successor. Everything of one family happens one after the other under the lock of its
-- session, so that a revocation cannot miss a token that is just being issued. A token that was spent less than p_grace_s
-- ago, and none of whose successors was spent, is being presented by whoever lost the answer: it gets another successor.
-- The newest hundred tokens of a family are kept: an older one is unknown, and its reuse revokes nothing.
CREATE OR REPLACE FUNCTION session_refresh(p_old bytea, p_new bytea, p_ttl_s bigint, p_grace_s bigint, p_address text)
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
            DELETE FROM refresh_token WHERE hash IN (
                SELECT r.hash FROM refresh_token r WHERE r.session = s.id AND r.hash <> p_new ORDER BY r.issued_at DESC OFFSET 99);
        END IF;
    END IF;
    RETURN NEXT;
END $$;
