-- Notes every row that is written to any table of the log and of the read models.
CREATE SCHEMA noted;
CREATE TABLE noted.write (place text NOT NULL, what text NOT NULL);
CREATE FUNCTION noted.write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted.write VALUES (TG_ARGV[0], lower(TG_OP));
    RETURN NULL;
END $$;
DO $$
DECLARE
    place regclass;
BEGIN
    -- A partitioned table hands its triggers on to its parts, those to come included.
    FOR place IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema|noted)'
    LOOP
        EXECUTE format('CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION noted.write(%L)',
                       place, place::text);
    END LOOP;
END $$;
