-- Where a reactor is in each lane, and how far it may go: to the head, or as far as the read models are that it needs.
SELECT c.lane, c.pos, least(l.head, m.pos) AS reach, l.last_at
  FROM reactor_checkpoint c
  JOIN log_lane l ON l.lane = c.lane
 CROSS JOIN LATERAL (SELECT min(coalesce(p.pos, 0)) AS pos
                       FROM unnest($2::text[], $3::int[]) u(projection, version)
                       LEFT JOIN projection_checkpoint p
                         ON p.projection = u.projection AND p.version = u.version AND p.lane = l.lane) m
 WHERE c.reactor = $1
 ORDER BY c.lane
