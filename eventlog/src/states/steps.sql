SELECT e.*
  FROM unnest($2::uuid[]) WITH ORDINALITY u(id, i)
  LEFT JOIN LATERAL (
      SELECT s.seq AS folded, s.state FROM stream_state s JOIN log_lane l ON l.lane = $1
       WHERE s.lane = $1 AND s.stream = u.id AND s.form = $3 AND s.epoch = l.epoch ORDER BY s.seq DESC LIMIT 1) k ON true
 CROSS JOIN LATERAL (
      (SELECT {first}, 0, k.folded FROM event e
        WHERE k.folded IS NOT NULL AND e.lane = $1 AND e.stream = u.id AND e.seq = 1 LIMIT 1)
      UNION ALL
      (SELECT {columns}, 0, NULL FROM event e
        WHERE e.lane = $1 AND e.stream = u.id AND e.control AND e.seq > coalesce(k.folded, 0)
        ORDER BY e.seq LIMIT $4)) e
 ORDER BY u.i, e.seq LIMIT $4
