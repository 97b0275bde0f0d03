-- Events about earlier events of their stream: edits (17), recalls (18) and reactions (19) name the seq of their message as
-- "message_seq", and reactions what they are as "emoji" and "on". They are found by what they are about, in indexes that hold
-- nothing else, so that a log without them pays nothing.

-- The payload is text, and never an error here: what is spoilt is about nothing. A quote within a string is written with a
-- backslash before it, so that none of the names below is found inside of one.
CREATE FUNCTION log_subject(payload bytea) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT substring(encode(payload, 'escape') FROM '"message_seq":(\d{1,18})')::bigint $$;

-- As bytes, whose order no collation changes.
CREATE FUNCTION log_mark(payload bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT decode(substring(encode(payload, 'escape') FROM '"emoji":"([^"]*)"'), 'escape') $$;

CREATE FUNCTION log_mark_on(payload bytea) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT encode(payload, 'escape') ~ '"on":true' $$;

-- The indexes of one segment that make such events found.
CREATE FUNCTION log_index_subjects(p_segment text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (lane, stream, log_subject(payload), kind, seq) WHERE kind IN (17, 18)',
                   p_segment || '_abt', p_segment);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (lane, stream, log_subject(payload), log_mark(payload), actor, seq) WHERE kind = 19',
                   p_segment || '_mrk', p_segment);
END $$;

SELECT log_index_subjects(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'event'::regclass;

-- As before, with these indexes.
CREATE OR REPLACE FUNCTION log_ensure_segments(p_ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
    bounds text;
    made int := 0;
    stem text;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.log_segments', 0));
    FOR wanted IN
        SELECT DISTINCT (l.head + 1) / log_segment_size() + ahead FROM log_lane l, generate_series(0, p_ahead) ahead ORDER BY 1
    LOOP
        bounds := format('FOR VALUES FROM (%L) TO (%L)', wanted * log_segment_size(), (wanted + 1) * log_segment_size());
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'event'::regclass AND pg_get_expr(c.relpartbound, c.oid) = bounds);
        stem := 'event_' || lpad(wanted::text, 6, '0');
        name := stem;
        -- One that was detached still has the name.
        WHILE to_regclass(name) IS NOT NULL LOOP
            name := stem || '_' || coalesce(nullif(substr(name, length(stem) + 2), ''), '1')::int + 1;
        END LOOP;
        -- A segment is built and indexed on its own before it is attached, so that appends never wait for it.
        EXECUTE format('CREATE TABLE %I (LIKE event) WITH (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.2)', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, pos)', name || '_pos', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, stream, seq)', name || '_seq', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, command, idx)', name || '_cmd', name);
        EXECUTE format('CREATE INDEX %I ON %I (lane, stream, seq) WHERE control', name || '_ctl', name);
        PERFORM log_index_subjects(name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I %s', name, bounds);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
