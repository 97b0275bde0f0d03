INSERT INTO projection_parked (projection, version, lane, pos, stream, error)
SELECT $1, $2, $3, u.pos, u.stream, u.error FROM unnest($4::bigint[], $5::uuid[], $6::text[]) u(pos, stream, error)
