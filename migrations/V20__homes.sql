-- Several logs can share a database, each in a schema of its own, which its sessions find by their search_path. Locks are the whole
-- database's: each log makes its segments under a lock of its own.
--
-- Makes the segments that hold what each lane is given next, and the p_ahead ones behind; answers how many it made. Segments
-- that lie behind every lane are left alone: whoever dropped them to keep the log small does not want them back, empty.
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
        EXECUTE format('CREATE TABLE %I (LIKE event) WITH (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.2)', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, pos)', name || '_pos', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, stream, seq)', name || '_seq', name);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (lane, command, idx)', name || '_cmd', name);
        EXECUTE format('CREATE INDEX %I ON %I (lane, stream, seq) WHERE control', name || '_ctl', name);
        PERFORM log_index_subjects(name);
        PERFORM log_identify(name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I %s', name, bounds);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
