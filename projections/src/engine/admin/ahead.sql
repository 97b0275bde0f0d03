SELECT DISTINCT c.projection
  FROM unnest($1::text[], $2::int[]) u(projection, version)
  JOIN projection_checkpoint c ON c.projection = u.projection AND c.version = u.version
  JOIN log_lane l ON l.lane = c.lane
 WHERE c.pos > l.head
