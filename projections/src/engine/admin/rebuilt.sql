SELECT c.lane, min(c.pos), max(c.pos)
  FROM unnest($1::text[], $2::int[]) u(projection, version)
  JOIN projection_checkpoint c ON c.projection = u.projection AND c.version = u.version
 GROUP BY c.lane
