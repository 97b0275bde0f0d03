-- Accounts: who may come in. The log knows users by their registration; passwords and sessions live here alone.

CREATE TABLE account (
    id            uuid PRIMARY KEY,
    username      text NOT NULL,
    -- The username in lower case, by which it is unique.
    username_key  text COLLATE "C" NOT NULL UNIQUE,
    display_name  text NOT NULL,
    -- A PHC string; absent where the user comes from an outside issuer.
    password_hash text,
    roles         text[] NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- When the log took the registration; while absent, the next login tells it again.
    announced_at  timestamptz,
    suspended_at  timestamptz,
    -- Attempts since the last success, and until when the next one is refused.
    failed_count  int NOT NULL DEFAULT 0,
    locked_until  timestamptz
) WITH (fillfactor = 80);
CREATE INDEX account_suspended ON account (id) WHERE suspended_at IS NOT NULL;

-- Users of outside issuers.
CREATE TABLE identity (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    account    uuid NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identity_account ON identity (account);

-- A login and all that was refreshed from it: the family of its refresh tokens.
CREATE TABLE session (
    id         uuid PRIMARY KEY,
    account    uuid NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires ON session (expires_at);

-- Refresh tokens by their SHA-256. Spent ones stay until they expire, so that their reuse is seen.
CREATE TABLE refresh_token (
    hash       bytea PRIMARY KEY,
    session    uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    spent_at   timestamptz
) WITH (fillfactor = 80);
CREATE INDEX refresh_token_session ON refresh_token (session);
CREATE INDEX refresh_token_expires ON refresh_token (expires_at);

-- Keys that sign access tokens, shared by all nodes. The newest signs.
CREATE TABLE signing_key (
    kid        uuid PRIMARY KEY,
    secret     bytea NOT NULL CHECK (octet_length(secret) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Begins a login. The attempt counts as failed from here on, and a success takes it back: so guesses that run side by
-- side, on whatever nodes, cannot outrun the count. Answers no row for an unknown username, and o_locked_ms above 0
-- where the attempt comes too early; that one does not count.
CREATE FUNCTION account_attempt(p_key text, p_free int, p_delay_ms bigint, p_delay_ms_max bigint)
RETURNS TABLE (o_id uuid, o_username text, o_display_name text, o_password_hash text, o_roles text[], o_announced boolean,
               o_suspended boolean, o_locked_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
    a account;
    at timestamptz;
    failures int;
    delay_ms bigint;
BEGIN
    SELECT * INTO a FROM account WHERE username_key = p_key FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    at := clock_timestamp();
    o_id := a.id;
    o_username := a.username;
    o_display_name := a.display_name;
    o_password_hash := a.password_hash;
    o_roles := a.roles;
    o_announced := a.announced_at IS NOT NULL;
    o_suspended := a.suspended_at IS NOT NULL;
    o_locked_ms := 0;
    IF a.locked_until > at THEN
        o_locked_ms := ceil(extract(epoch FROM a.locked_until - at) * 1000);
        RETURN NEXT;
        RETURN;
    END IF;
    -- A day without attempts clears the count.
    failures := CASE WHEN a.locked_until < at - interval '1 day' THEN 1 ELSE least(a.failed_count, 1000000) + 1 END;
    delay_ms := CASE WHEN failures <= p_free THEN 0
                     ELSE least(p_delay_ms_max, p_delay_ms * (1::bigint << least(failures - p_free - 1, 30))) END;
    UPDATE account SET failed_count = failures, locked_until = at + delay_ms * interval '1 millisecond' WHERE id = a.id;
    RETURN NEXT;
END $$;

-- Spends a refresh token for its successor. Everything of one family happens one after the other under the lock of its
-- session, so that a revocation cannot miss a token that is just being issued.
CREATE FUNCTION refresh_rotate(p_old bytea, p_new bytea, p_ttl_s bigint)
RETURNS TABLE (o_outcome text, o_session uuid, o_account uuid, o_roles text[])
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
    ELSIF t.spent_at IS NOT NULL THEN
        UPDATE session SET revoked_at = at WHERE id = s.id;
        o_outcome := 'reused';
    ELSIF t.expires_at <= at THEN
        o_outcome := 'expired';
    ELSE
        SELECT * INTO a FROM account WHERE id = s.account;
        o_account := a.id;
        o_roles := a.roles;
        IF a.suspended_at IS NOT NULL THEN
            o_outcome := 'suspended';
        ELSE
            o_outcome := 'rotated';
            UPDATE refresh_token r SET spent_at = at WHERE r.hash = p_old;
            INSERT INTO refresh_token (hash, session, expires_at) VALUES (p_new, s.id, at + p_ttl_s * interval '1 second');
            UPDATE session SET expires_at = at + p_ttl_s * interval '1 second' WHERE id = s.id;
        END IF;
    END IF;
    RETURN NEXT;
END $$;
