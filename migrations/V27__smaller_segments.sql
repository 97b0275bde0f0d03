-- Segments that take less room, for whatever is written from here on. Columns stand in the order of their alignment. Commands stand
-- first in their index, since ids that grow with time, as most clients make them, then go to its one end and leave full pages behind.
-- A stream is of one lane, so the index by seq names streams alone. Segments that hold events stay as they are.

CREATE FUNCTION log_make_segment(p_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE %I (pos bigint NOT NULL, seq bigint NOT NULL, msg_no bigint NOT NULL, at timestamptz NOT NULL, digest bigint NOT NULL, '
        'lane smallint NOT NULL, kind smallint NOT NULL, ver smallint NOT NULL, idx smallint NOT NULL, '
        'stream uuid NOT NULL, actor uuid NOT NULL, command uuid NOT NULL, control boolean NOT NULL, payload bytea NOT NULL) '
        'WITH (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.2)', p_name);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, pos)', p_name || '_pos', p_name);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (stream, seq)', p_name || '_seq', p_name);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (command, lane, idx)', p_name || '_cmd', p_name);
    EXECUTE format('CREATE INDEX %I ON %I (stream, seq) WHERE control', p_name || '_ctl', p_name);
    PERFORM log_index_subjects(p_name);
    PERFORM log_identify(p_name);
END $$;

-- As before, with segments of this kind.
CREATE OR REPLACE FUNCTION log_ensure_segments(p_ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
    bounds text;
    made int := 0;
    stem text;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.log_segments.' || current_schema(), 0));
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
        PERFORM log_make_segment(name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I %s', name, bounds);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Segments that hold nothing yet are made again.
DO $$
DECLARE
    name text;
    bounds text;
    is_empty boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidings.log_segments.' || current_schema(), 0));
    LOCK TABLE event IN ACCESS EXCLUSIVE MODE;
    FOR name, bounds IN
        SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'event'::regclass ORDER BY 1
    LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', name) INTO is_empty;
        CONTINUE WHEN NOT is_empty;
        EXECUTE format('DROP TABLE %I', name);
        PERFORM log_make_segment(name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I %s', name, bounds);
    END LOOP;
END $$;
