-- The log: append-only, written by append_lane alone.

-- Names this log. Keys in Redis and ids of conversations derive from it, so that two databases never mix.
CREATE TABLE log_identity (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    id         uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO log_identity DEFAULT VALUES;

-- One row a lane: its head is the last position given. A low fill factor keeps each row on a page of its own and its updates HOT.
CREATE TABLE log_lane (
    lane    smallint PRIMARY KEY CHECK (lane BETWEEN 0 AND 255),
    head    bigint NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL DEFAULT '2000-01-01',
    epoch   int NOT NULL DEFAULT 1
) WITH (fillfactor = 10);

-- Heads of streams. Only the primary key is indexed, so that moving a head is a HOT update.
CREATE TABLE stream (
    lane      smallint NOT NULL,
    stream    uuid NOT NULL,
    head_seq  bigint NOT NULL,
    msg_no    bigint NOT NULL,
    guard_seq bigint NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (lane, stream)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- Events, in segments by position: old segments stay as they are, and the indexes that appends touch stay small.
CREATE TABLE event (
    lane    smallint NOT NULL,
    pos     bigint NOT NULL,
    stream  uuid NOT NULL,
    seq     bigint NOT NULL,
    msg_no  bigint NOT NULL,
    kind    smallint NOT NULL,
    ver     smallint NOT NULL,
    control boolean NOT NULL,
    actor   uuid NOT NULL,
    at      timestamptz NOT NULL,
    command uuid NOT NULL,
    idx     smallint NOT NULL,
    digest  bigint NOT NULL,
    payload bytea NOT NULL
) PARTITION BY RANGE (pos);

-- How many positions of each lane a segment holds.
CREATE FUNCTION log_segment_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 4194304::bigint';

-- Makes the segments that hold the heads and the next p_ahead ones; answers how many it made.
-- A segment is built and indexed on its own before it is attached, so that appends never wait for it.
CREATE FUNCTION log_ensure_segments(p_ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
    made int := 0;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.log_segments', 0));
    SELECT coalesce(max(head), 0) / log_segment_size() + p_ahead INTO last FROM log_lane;
    FOR segment IN 0 .. last LOOP
        name := 'event_' || lpad(segment::text, 6, '0');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE event) WITH (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.2)', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, pos)', name || '_pos', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, stream, seq)', name || '_seq', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, command, idx)', name || '_cmd', name);
        EXECUTE format('CREATE INDEX %I ON %I (lane, stream, seq) WHERE control', name || '_ctl', name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name,
                       segment * log_segment_size(), (segment + 1) * log_segment_size());
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
SELECT log_ensure_segments(1);

-- Appends one batch of commands to one lane: one statement, one transaction, one lock, one flush.
--
-- The caller sends the distinct commands, the distinct streams with how many events (and messages) they get and the seq of
-- the last control event that each decision was made on, and each event with its ordinals. Nothing is joined or windowed
-- here: every look-up is an index probe, whatever the planner believes about the tables.
--
-- Answers one row: the lane's head before the batch, the batch's time, and each stream's seq and msg_no before the batch,
-- from which the caller computes every position. Where commands are repeats (d_*) or guards are stale (g_*), it says which,
-- and nothing was written.
CREATE FUNCTION append_lane(
    p_lane smallint,
    c_id uuid[], c_digest bigint[],
    s_id uuid[], s_guard bigint[], s_events bigint[], s_messages bigint[], s_control bigint[],
    e_command int[], e_idx smallint[], e_stream int[], e_seq bigint[], e_msg_no bigint[],
    e_kind smallint[], e_ver smallint[], e_control boolean[], e_actor uuid[], e_payload bytea[])
RETURNS TABLE (
    o_head bigint, o_at timestamptz, o_seq bigint[], o_msg_no bigint[],
    d_ordinal int[], d_stream uuid[], d_pos bigint[], d_seq bigint[], d_at timestamptz[], d_actor uuid[], d_digest bigint[],
    g_ordinal int[], g_guard bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    tids tid[];
BEGIN
    -- The lock comes first: whoever holds it sees all that came before, and all that follows waits.
    SELECT l.head, greatest(clock_timestamp(), l.last_at + interval '1 microsecond') INTO o_head, o_at
      FROM log_lane l WHERE l.lane = p_lane FOR NO KEY UPDATE;
    IF o_head IS NULL THEN
        RAISE EXCEPTION 'lane % does not exist', p_lane USING ERRCODE = 'TD002';
    END IF;

    -- A repeat is answered with the last event that the command wrote.
    SELECT array_agg(u.i::int), array_agg(p.stream), array_agg(p.pos), array_agg(p.seq), array_agg(p.at), array_agg(p.actor), array_agg(p.digest)
      INTO d_ordinal, d_stream, d_pos, d_seq, d_at, d_actor, d_digest
      FROM unnest(c_id) WITH ORDINALITY u(id, i)
      CROSS JOIN LATERAL (SELECT e.stream, e.pos, e.seq, e.at, e.actor, e.digest FROM event e
                           WHERE e.lane = p_lane AND e.command = u.id ORDER BY e.idx DESC LIMIT 1) p;

    SELECT array_agg(p.tid ORDER BY u.i), array_agg(coalesce(p.head_seq, 0) ORDER BY u.i), array_agg(coalesce(p.msg_no, 0) ORDER BY u.i),
           array_agg(u.i::int) FILTER (WHERE coalesce(p.guard_seq, 0) <> u.guard),
           array_agg(coalesce(p.guard_seq, 0)) FILTER (WHERE coalesce(p.guard_seq, 0) <> u.guard)
      INTO tids, o_seq, o_msg_no, g_ordinal, g_guard
      FROM unnest(s_id, s_guard) WITH ORDINALITY u(id, guard, i)
      LEFT JOIN LATERAL (SELECT s.ctid AS tid, s.head_seq, s.msg_no, s.guard_seq FROM stream s
                          WHERE s.lane = p_lane AND s.stream = u.id LIMIT 1) p ON true;
    IF d_ordinal IS NOT NULL OR g_ordinal IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

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

    UPDATE log_lane l SET head = l.head + cardinality(e_kind), last_at = o_at WHERE l.lane = p_lane;
    RETURN NEXT;
END $$;
