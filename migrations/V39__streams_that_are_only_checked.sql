-- Appends as before, and lets a batch name streams that it writes nothing to: what was decided on them must still be so, and their rows stay
-- as they are. What two people are to one another is checked so beside a message of theirs.
CREATE OR REPLACE FUNCTION append_lane(
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
    events int := cardinality(e_kind);
    tids tid[];
    known int;
    moved int;
    -- Commands at or behind this position are told apart by the unique index.
    guarded_from bigint;
BEGIN
    -- The lane comes first: whoever has moved it sees all that came before, and all that follows waits.
    UPDATE log_lane l SET head = l.head + events, last_at = greatest(clock_timestamp(), l.last_at + interval '1 microsecond')
     WHERE l.lane = p_lane AND (p_epoch IS NULL OR l.epoch = p_epoch AND l.head >= p_known)
    RETURNING l.head - events, l.last_at INTO o_head, o_at;
    IF o_head IS NULL THEN
        -- The caller knows another time line, or the log has lost what the caller has seen: then a new one begins here.
        UPDATE log_lane l SET epoch = CASE WHEN l.epoch < p_epoch OR l.epoch = p_epoch AND l.head < p_known
                                           THEN log_next_epoch(p_epoch) ELSE l.epoch END
         WHERE l.lane = p_lane RETURNING l.head, l.epoch INTO o_head, o_epoch;
        IF o_head IS NULL THEN
            RAISE EXCEPTION 'lane % does not exist', p_lane USING ERRCODE = 'TD002';
        END IF;
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT array_agg(p.tid ORDER BY u.i), array_agg(coalesce(p.head_seq, 0) ORDER BY u.i), array_agg(coalesce(p.msg_no, 0) ORDER BY u.i),
           array_agg(u.i::int) FILTER (WHERE coalesce(p.guard_seq, 0) <> u.guard),
           array_agg(coalesce(p.guard_seq, 0)) FILTER (WHERE coalesce(p.guard_seq, 0) <> u.guard),
           count(p.tid) FILTER (WHERE u.events > 0)
      INTO tids, o_seq, o_msg_no, g_ordinal, g_guard, known
      FROM unnest(s_id, s_guard, s_events) WITH ORDINALITY u(id, guard, events, i)
      LEFT JOIN LATERAL (SELECT s.ctid AS tid, s.head_seq, s.msg_no, s.guard_seq FROM stream s
                          WHERE s.lane = p_lane AND s.stream = u.id LIMIT 1) p ON true;

    -- The last event of the batch lies in the newest segment that the insert touches; all before that one is probed.
    -- A batch that is refused for its guards is looked through entirely, so that its repeats are answered at once.
    guarded_from := CASE WHEN g_ordinal IS NULL
        THEN (o_head + events) / log_segment_size() * log_segment_size() ELSE o_head + 1 END;
    IF guarded_from > 0 THEN
        SELECT r.* INTO d_ordinal, d_stream, d_pos, d_seq, d_at, d_actor, d_digest FROM log_repeats(p_lane, c_id, guarded_from) r;
    END IF;
    IF d_ordinal IS NOT NULL OR g_ordinal IS NOT NULL THEN
        UPDATE log_lane l SET head = o_head WHERE l.lane = p_lane;
        RETURN NEXT;
        RETURN;
    END IF;

    BEGIN
        -- Rows of streams change under the lane's lock alone, so the places just read still hold them.
        UPDATE stream s SET head_seq = s.head_seq + x.events, msg_no = s.msg_no + x.messages,
                            guard_seq = CASE WHEN x.control > 0 THEN s.head_seq + x.control ELSE s.guard_seq END, last_at = o_at
          FROM (SELECT u.* FROM unnest(tids, s_id, s_events, s_messages, s_control) u(tid, id, events, messages, control)
                 WHERE u.tid IS NOT NULL AND u.events > 0 OFFSET 0) x
         WHERE s.ctid = x.tid AND s.lane = p_lane AND s.stream = x.id;
        GET DIAGNOSTICS moved = ROW_COUNT;
        IF moved <> known THEN
            RAISE EXCEPTION 'lane %: % of % heads moved', p_lane, moved, known USING ERRCODE = 'serialization_failure';
        END IF;
        IF known < cardinality(s_id) THEN
            INSERT INTO stream (lane, stream, head_seq, msg_no, guard_seq, last_at)
            SELECT p_lane, u.id, u.events, u.messages, u.control, o_at
              FROM unnest(tids, s_id, s_events, s_messages, s_control) u(tid, id, events, messages, control)
             WHERE u.tid IS NULL AND u.events > 0;
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
        UPDATE log_lane l SET head = o_head WHERE l.lane = p_lane;
        RETURN NEXT;
        RETURN;
    END;
    RETURN NEXT;
END $$;
