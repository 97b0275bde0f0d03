-- By the id alone: ids that grow with time, as most clients make them, go to one end of the index, and hardly any comes twice (once in
-- each lane at most).
CREATE INDEX IF NOT EXISTS message_id ON {schema}.message (message);
CREATE INDEX IF NOT EXISTS thread_activity ON {schema}.thread (conversation, last_seq);
