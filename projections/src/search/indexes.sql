CREATE INDEX IF NOT EXISTS entry_lexemes ON {schema}.entry USING gin (lexemes);
-- Rows come about in the order of time, so a few bytes for many pages tell which of them a stretch of time is in.
CREATE INDEX IF NOT EXISTS entry_at ON {schema}.entry USING brin (at);
