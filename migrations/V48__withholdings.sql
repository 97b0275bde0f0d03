-- Withholdings (102): events that keep a message from everybody until another one ends that. They name the seq of their message as "message_seq", and
-- as "withheld" which of the two they do. The last one counts. They are found by their message, in an index that holds nothing else.

-- As log_mark_on.
CREATE FUNCTION log_withholds(payload bytea) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
    $$ SELECT encode(payload, 'escape') ~ '"withheld":true' $$;

-- The index of one segment that makes them found.
CREATE FUNCTION log_index_withholdings(p_segment text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (lane, stream, log_subject(payload), seq) WHERE kind = 102', p_segment || '_wth', p_segment);
END $$;

SELECT log_index_withholdings(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'event'::regclass;

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
    PERFORM log_index_withholdings(p_name);
    PERFORM log_identify(p_name);
END $$;
