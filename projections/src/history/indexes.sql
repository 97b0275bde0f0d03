-- The message first: ids that grow with time, as most clients make them, go to one end of the index.
CREATE UNIQUE INDEX IF NOT EXISTS message_id ON {schema}.message (message, conversation);
