SELECT p.projection, p.lane, p.pos, p.stream, p.error, p.attempts, p.parked_at
  FROM unnest($1::text[], $2::int[]) u(projection, version)
  JOIN projection_parked p ON p.projection = u.projection AND p.version = u.version
 ORDER BY p.parked_at, p.projection, p.lane, p.pos LIMIT $3
