SELECT count(*)
  FROM unnest($1::text[], $2::int[]) u(projection, version)
  JOIN projection_parked p ON p.projection = u.projection AND p.version = u.version
