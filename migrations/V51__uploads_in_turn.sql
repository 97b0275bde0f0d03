-- When an upload began: however busy it is, it ends some time after that.
ALTER TABLE upload ADD COLUMN begun_at timestamptz NOT NULL DEFAULT now();

-- Begins an upload where its user has fewer than p_most under way, and p_room bytes are enough for it and for those. Those of one user begin one
-- behind the other, and each statement in here sees what was committed before it: so many at once are no more than one by one.
CREATE FUNCTION upload_begin(p_id uuid, p_user uuid, p_name text, p_media_type text, p_size bigint, p_lasts_s bigint, p_most bigint,
    p_room bigint, OUT o_has_room boolean, OUT o_expires_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_bytes numeric;
    v_count bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.upload ' || p_user::text, 0));
    SELECT coalesce(sum(u.size), 0), count(*) INTO v_bytes, v_count FROM upload u WHERE u.user_id = p_user AND NOT u.stored;
    o_has_room := v_bytes + p_size <= p_room;
    IF o_has_room AND v_count < p_most THEN
        INSERT INTO upload (id, user_id, name, media_type, size, begun_at, expires_at)
        VALUES (p_id, p_user, p_name, p_media_type, p_size, now(), now() + p_lasts_s * interval '1 second')
        RETURNING expires_at INTO o_expires_at;
    END IF;
END $$;
