-- Notices: events of a user's stream that the user is told of. Their kinds have the numbers 69 to 95, and they are found by an index that holds
-- nothing else: between two of them there may be any number of events that only move cursors.

-- The index of one segment that makes notices found.
CREATE FUNCTION log_index_notices(p_segment text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (stream, seq) WHERE kind BETWEEN 69 AND 95', p_segment || '_ntc', p_segment);
END $$;

SELECT log_index_notices(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'event'::regclass;

-- As before, with this index.
CREATE OR REPLACE FUNCTION log_make_segment(p_name text) RETURNS void LANGUAGE plpgsql AS $$
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
    PERFORM log_index_notices(p_name);
    PERFORM log_identify(p_name);
END $$;
