SELECT r.projection, r.reason
  FROM unnest($1::text[], $2::int[]) u(projection, version)
  JOIN projection_refused r ON r.projection = u.projection AND r.version = u.version
