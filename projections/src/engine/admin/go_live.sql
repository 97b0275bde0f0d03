WITH wanted AS (SELECT u.projection, u.version FROM unnest($1::text[], $2::int[]) u(projection, version)),
pardoned AS (DELETE FROM projection_refused r USING wanted w WHERE r.projection = w.projection AND r.version = w.version)
INSERT INTO projection_version (projection, version) SELECT w.projection, w.version FROM wanted w
ON CONFLICT DO NOTHING
