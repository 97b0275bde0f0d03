-- Which tables of a schema are not there yet.
SELECT u.name FROM unnest($2::text[]) u(name) WHERE to_regclass($1::text || '.' || u.name) IS NULL ORDER BY u.name
