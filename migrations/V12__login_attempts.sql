-- Failed logins, by the name that was tried and the address that tried it, so that a stranger's guesses do not lock a name for
-- its owner. Names that nobody has are kept alike: what is locked, and what an attempt costs, tells nobody which names there are.
CREATE TABLE login_attempt (
    key          text COLLATE "C" NOT NULL,
    -- Empty for all addresses together.
    address      text COLLATE "C" NOT NULL,
    failed_count int NOT NULL DEFAULT 0,
    -- Until when the next attempt is refused; the time of the last one where it is not.
    locked_until timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, address)
) WITH (fillfactor = 80);
CREATE INDEX login_attempt_age ON login_attempt (locked_until);

-- Begins a login. The attempt counts as failed from here on, and a success takes it back: so guesses that run side by
-- side, on whatever nodes, cannot outrun the count. Always answers one row: o_id is null for an unknown username, and
-- o_locked_ms above 0 where the attempt comes too early; that one does not count.
CREATE FUNCTION login_begin(p_key text, p_address text, p_free int, p_free_all int, p_delay_ms bigint, p_delay_ms_max bigint)
RETURNS TABLE (o_id uuid, o_username text, o_display_name text, o_password_hash text, o_roles text[], o_announced boolean,
               o_suspended boolean, o_locked_ms bigint)
LANGUAGE plpgsql AS $$
DECLARE
    a account;
    t login_attempt;
    at timestamptz;
    free int;
    failures int;
    delay_ms bigint;
BEGIN
    INSERT INTO login_attempt (key, address) VALUES (p_key, ''), (p_key, p_address) ON CONFLICT DO NOTHING;
    PERFORM FROM login_attempt l WHERE l.key = p_key AND l.address IN ('', p_address) ORDER BY l.address FOR UPDATE;
    at := clock_timestamp();
    SELECT coalesce(max(ceil(extract(epoch FROM l.locked_until - at) * 1000)), 0) INTO o_locked_ms
        FROM login_attempt l WHERE l.key = p_key AND l.address IN ('', p_address) AND l.locked_until > at;
    IF o_locked_ms > 0 THEN
        RETURN NEXT;
        RETURN;
    END IF;
    FOR t IN SELECT * FROM login_attempt l WHERE l.key = p_key AND l.address IN ('', p_address) LOOP
        free := CASE WHEN t.address = '' THEN p_free_all ELSE p_free END;
        -- A day without attempts clears the count.
        failures := CASE WHEN t.locked_until < at - interval '1 day' THEN 1 ELSE least(t.failed_count, 1000000) + 1 END;
        delay_ms := CASE WHEN failures <= free THEN 0
                         ELSE least(p_delay_ms_max, p_delay_ms * (1::bigint << least(failures - free - 1, 30))) END;
        UPDATE login_attempt l SET failed_count = failures, locked_until = at + delay_ms * interval '1 millisecond'
            WHERE l.key = t.key AND l.address = t.address;
    END LOOP;
    SELECT * INTO a FROM account WHERE username_key = p_key;
    IF FOUND THEN
        o_id := a.id;
        o_username := a.username;
        o_display_name := a.display_name;
        o_password_hash := a.password_hash;
        o_roles := a.roles;
        o_announced := a.announced_at IS NOT NULL;
        o_suspended := a.suspended_at IS NOT NULL;
    END IF;
    RETURN NEXT;
END $$;
