SELECT l.head, c.pos, l.epoch
  FROM log_lane l
 CROSS JOIN unnest($2::text[], $3::int[]) WITH ORDINALITY u(projection, version, i)
  LEFT JOIN LATERAL (SELECT c.pos FROM projection_checkpoint c
                      WHERE c.projection = u.projection AND c.version = u.version AND c.lane = l.lane LIMIT 1) c ON true
 WHERE l.lane = $1 ORDER BY u.i
