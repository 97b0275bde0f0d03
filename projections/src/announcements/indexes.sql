CREATE INDEX IF NOT EXISTS announced_reach ON {schema}.announced (announcement, read);
