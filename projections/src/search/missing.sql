-- Which tables of a schema are not there yet. Read as any rows are: what a session remembers of names may be older than a lock that it has just taken.
SELECT u.name FROM unnest($2::text[]) u(name)
 WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.relname = u.name::name AND c.relnamespace = $1::text::regnamespace)
 ORDER BY u.name
