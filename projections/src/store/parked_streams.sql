SELECT DISTINCT p.projection, p.stream
  FROM unnest($2::text[], $3::int[]) u(projection, version)
  JOIN projection_parked p ON p.projection = u.projection AND p.version = u.version
 WHERE p.lane = $1
