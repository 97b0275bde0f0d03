CREATE INDEX IF NOT EXISTS tie_asked ON {schema}.tie (user_id, at) WHERE kind = 'asked';
