-- When somebody has last gone about an upload in parts. Where all of it has come and it is not stored some time later, the clean-up stores it, those
-- first that were tried longest ago. Programs from before do not say so: theirs are tried once more than need be.
ALTER TABLE upload ADD COLUMN tried_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX upload_owed ON upload (tried_at) WHERE received = size AND NOT stored AND NOT whole;

-- Who took room before whom: numbers are given behind the lock of those who take it.
ALTER TABLE upload ADD COLUMN turn bigint GENERATED ALWAYS AS IDENTITY;

-- Takes room as before (V57), without counting uploads that are over: the clean-up comes to them later.
CREATE OR REPLACE FUNCTION upload_take(p_id uuid, p_user uuid, p_name text, p_media_type text, p_metadata text, p_size bigint, p_whole boolean,
    p_lasts_s bigint, p_most bigint, p_room bigint, OUT o_has_room boolean, OUT o_bytes bigint, OUT o_files bigint, OUT o_expires_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_bytes numeric;
    v_begun bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.upload ' || p_user::text, 0));
    SELECT coalesce(sum(u.size), 0), count(*), count(*) FILTER (WHERE NOT u.whole) INTO v_bytes, o_files, v_begun
      FROM upload u WHERE u.user_id = p_user AND NOT u.stored AND u.expires_at > now();
    o_has_room := v_bytes + p_size <= p_room;
    o_bytes := least(v_bytes, p_room);
    IF o_has_room AND (p_whole OR v_begun < p_most) THEN
        INSERT INTO upload (id, user_id, name, media_type, metadata, size, whole, begun_at, expires_at)
        VALUES (p_id, p_user, p_name, p_media_type, p_metadata, p_size, p_whole, now(), now() + p_lasts_s * interval '1 second')
        RETURNING expires_at INTO o_expires_at;
    END IF;
END $$;

-- Takes back what took room and was not answered: what is still on its way there is waited for, or there would be nothing to take back yet.
CREATE FUNCTION upload_take_back(p_id uuid, p_user uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.upload ' || p_user::text, 0));
    DELETE FROM upload WHERE id = p_id;
END $$;
