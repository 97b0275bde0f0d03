-- When people were last seen. It is no part of the log: it changes with each visit, and nothing is decided by it.
CREATE TABLE last_seen (
    user_id uuid PRIMARY KEY,
    at      timestamptz NOT NULL
) WITH (fillfactor = 70);
