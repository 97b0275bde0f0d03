SELECT id, address, version, started_at, seen_at, connections, resident_bytes, draining FROM node
 WHERE seen_at > now() - $1::float8 * interval '1 second'
 ORDER BY started_at, id
