INSERT INTO projection_version (projection, version)
SELECT u.projection, u.version FROM unnest($1::text[], $2::int[]) u(projection, version)
ON CONFLICT DO NOTHING
