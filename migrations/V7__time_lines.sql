-- Time lines. A log can go back: an older back-up is restored, or a failover loses the last commits. Positions that were given
-- before are then given again to other events, and whoever knows the lost ones must not take one for the other. The epoch of a
-- lane names its time line; positions are compared only within one.

-- The name of a time line that follows `p_epoch`. It counts seconds, so that a log restored twice from one back-up does not
-- get one name twice.
CREATE FUNCTION log_next_epoch(p_epoch int) RETURNS int LANGUAGE sql VOLATILE AS
    $$ SELECT greatest(p_epoch + 1, extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00+00')::int) $$;

-- Appends as before, but only to the time line that the caller knows (p_epoch), and only when the lane reaches as far as the
-- caller has seen it reach (p_known): decisions made on a state that is lost are not written. Otherwise it answers the lane's
-- time line (o_epoch) and its head, and nothing was written. The older form stays for nodes of the version before.
CREATE FUNCTION append_lane(
    p_lane smallint,
    c_id uuid[], c_digest bigint[],
    s_id uuid[], s_guard bigint[], s_events bigint[], s_messages bigint[], s_control bigint[],
    e_command int[], e_idx smallint[], e_stream int[], e_seq bigint[], e_msg_no bigint[],
    e_kind smallint[], e_ver smallint[], e_control boolean[], e_actor uuid[], e_payload bytea[],
    p_epoch int, p_known bigint)
RETURNS TABLE (
    o_head bigint, o_at timestamptz, o_seq bigint[], o_msg_no bigint[],
    d_ordinal int[], d_stream uuid[], d_pos bigint[], d_seq bigint[], d_at timestamptz[], d_actor uuid[], d_digest bigint[],
    g_ordinal int[], g_guard bigint[],
    o_epoch int)
LANGUAGE plpgsql AS $$
DECLARE
    tids tid[];
    -- Commands at or behind this position are told apart by the unique index.
    guarded_from bigint;
    time_line int;
BEGIN
    -- The lock comes first: whoever holds it sees all that came before, and all that follows waits.
    SELECT l.head, greatest(clock_timestamp(), l.last_at + interval '1 microsecond'), l.epoch INTO o_head, o_at, time_line
      FROM log_lane l WHERE l.lane = p_lane FOR NO KEY UPDATE;
    IF o_head IS NULL THEN
        RAISE EXCEPTION 'lane % does not exist', p_lane USING ERRCODE = 'TD002';
    END IF;
    IF time_line < p_epoch OR time_line = p_epoch AND o_head < p_known THEN
        -- The log has lost what the caller has seen: a new time line begins here.
        UPDATE log_lane l SET epoch = log_next_epoch(p_epoch) WHERE l.lane = p_lane RETURNING l.epoch INTO time_line;
    END IF;
    IF time_line <> p_epoch THEN
        o_epoch := time_line;
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT array_agg(p.tid ORDER BY u.i), array_agg(coalesce(p.head_seq, 0) ORDER BY u.i), array_agg(coalesce(p.msg_no, 0) ORDER BY u.i),
           array_agg(u.i::int) FILTER (WHERE coalesce(p.guard_seq, 0) <> u.guard),
           array_agg(coalesce(p.guard_seq, 0)) FILTER (WHERE coalesce(p.guard_seq, 0) <> u.guard)
      INTO tids, o_seq, o_msg_no, g_ordinal, g_guard
      FROM unnest(s_id, s_guard) WITH ORDINALITY u(id, guard, i)
      LEFT JOIN LATERAL (SELECT s.ctid AS tid, s.head_seq, s.msg_no, s.guard_seq FROM stream s
                          WHERE s.lane = p_lane AND s.stream = u.id LIMIT 1) p ON true;

    -- The last event of the batch lies in the newest segment that the insert touches; all before that one is probed.
    -- A batch that is refused for its guards is looked through entirely, so that its repeats are answered at once.
    guarded_from := CASE WHEN g_ordinal IS NULL
        THEN (o_head + cardinality(e_kind)) / log_segment_size() * log_segment_size() ELSE o_head + 1 END;
    IF guarded_from > 0 THEN
        SELECT r.* INTO d_ordinal, d_stream, d_pos, d_seq, d_at, d_actor, d_digest FROM log_repeats(p_lane, c_id, guarded_from) r;
    END IF;
    IF d_ordinal IS NOT NULL OR g_ordinal IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    BEGIN
        -- Rows of streams change under the lane's lock alone, so the places just read still hold them.
        UPDATE stream s SET head_seq = s.head_seq + x.events, msg_no = s.msg_no + x.messages,
                            guard_seq = CASE WHEN x.control > 0 THEN s.head_seq + x.control ELSE s.guard_seq END, last_at = o_at
          FROM (SELECT u.* FROM unnest(tids, s_events, s_messages, s_control) u(tid, events, messages, control) WHERE u.tid IS NOT NULL OFFSET 0) x
         WHERE s.ctid = x.tid;
        IF array_position(tids, NULL) IS NOT NULL THEN
            INSERT INTO stream (lane, stream, head_seq, msg_no, guard_seq, last_at)
            SELECT p_lane, u.id, u.events, u.messages, u.control, o_at
              FROM unnest(tids, s_id, s_events, s_messages, s_control) u(tid, id, events, messages, control) WHERE u.tid IS NULL;
        END IF;

        INSERT INTO event (lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, digest, payload)
        SELECT p_lane, o_head + u.i, s_id[u.s], o_seq[u.s] + u.seq, o_msg_no[u.s] + u.msg_no, u.kind, u.ver, u.control, u.actor, o_at,
               c_id[u.c], u.idx, c_digest[u.c], u.payload
          FROM unnest(e_command, e_idx, e_stream, e_seq, e_msg_no, e_kind, e_ver, e_control, e_actor, e_payload)
               WITH ORDINALITY u(c, idx, s, seq, msg_no, kind, ver, control, actor, payload, i);
    EXCEPTION WHEN unique_violation THEN
        -- Nothing of the block remains.
        SELECT r.* INTO d_ordinal, d_stream, d_pos, d_seq, d_at, d_actor, d_digest FROM log_repeats(p_lane, c_id, o_head + 1) r;
        IF d_ordinal IS NULL THEN
            -- Not a repeat: the batch itself is wrong.
            RAISE;
        END IF;
        RETURN NEXT;
        RETURN;
    END;

    UPDATE log_lane l SET head = l.head + cardinality(e_kind), last_at = o_at WHERE l.lane = p_lane;
    RETURN NEXT;
END $$;
