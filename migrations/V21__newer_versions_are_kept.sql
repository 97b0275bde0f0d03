-- Programs from before versions of read models stood side by side delete by name alone when they rebuild one: with their own version
-- also those that they do not know. What they know are the first versions, and the second of the inbox. Later ones are deleted by
-- sessions that say, when they start, that they tell versions apart, and by hand.
CREATE FUNCTION projection_keep_newer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('application_name') = 'tidings' AND current_setting('tidings.versions', true) IS DISTINCT FROM 'apart' THEN
        RETURN NULL;
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER keep_newer BEFORE DELETE ON projection_checkpoint FOR EACH ROW
    WHEN (OLD.projection IN ('conversations', 'history', 'unread') AND OLD.version > 1 OR OLD.projection = 'inbox' AND OLD.version > 2)
    EXECUTE FUNCTION projection_keep_newer();
CREATE TRIGGER keep_newer BEFORE DELETE ON projection_parked FOR EACH ROW
    WHEN (OLD.projection IN ('conversations', 'history', 'unread') AND OLD.version > 1 OR OLD.projection = 'inbox' AND OLD.version > 2)
    EXECUTE FUNCTION projection_keep_newer();
