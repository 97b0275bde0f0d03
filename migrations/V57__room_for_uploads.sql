-- Files that come in one go have a row while they come, too: the room that they take is taken from what comes in parts, and the other way
-- round. What the sender of a file in parts says of it is kept as it was said.
ALTER TABLE upload ADD COLUMN whole boolean NOT NULL DEFAULT false;
ALTER TABLE upload ADD COLUMN metadata text;

-- Takes room for an upload where p_room bytes are enough for it and for those of its user that are under way, and answers what those are. Of
-- those in parts a user has fewer than p_most before. Those of one user take room one behind the other, and each statement in here sees what
-- was committed before it. Programs from before call upload_begin, which counts all of them.
CREATE FUNCTION upload_take(p_id uuid, p_user uuid, p_name text, p_media_type text, p_metadata text, p_size bigint, p_whole boolean,
    p_lasts_s bigint, p_most bigint, p_room bigint, OUT o_has_room boolean, OUT o_bytes bigint, OUT o_files bigint, OUT o_expires_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_bytes numeric;
    v_begun bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.upload ' || p_user::text, 0));
    SELECT coalesce(sum(u.size), 0), count(*), count(*) FILTER (WHERE NOT u.whole) INTO v_bytes, o_files, v_begun
      FROM upload u WHERE u.user_id = p_user AND NOT u.stored;
    o_has_room := v_bytes + p_size <= p_room;
    o_bytes := least(v_bytes, p_room);
    IF o_has_room AND (p_whole OR v_begun < p_most) THEN
        INSERT INTO upload (id, user_id, name, media_type, metadata, size, whole, begun_at, expires_at)
        VALUES (p_id, p_user, p_name, p_media_type, p_metadata, p_size, p_whole, now(), now() + p_lasts_s * interval '1 second')
        RETURNING expires_at INTO o_expires_at;
    END IF;
END $$;
