WITH silent AS (DELETE FROM node WHERE seen_at < now() - 4 * $7::float8 * interval '1 second' AND id <> $1)
INSERT INTO node (id, address, version, connections, resident_bytes, draining) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET seen_at = now(), connections = $4, resident_bytes = $5, draining = $6
