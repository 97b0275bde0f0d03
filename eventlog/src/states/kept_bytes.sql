SELECT coalesce(k.bytes, 0)::bigint
  FROM unnest($2::uuid[]) WITH ORDINALITY u(id, i)
  LEFT JOIN LATERAL (
      SELECT octet_length(s.state) AS bytes FROM stream_state s JOIN log_lane l ON l.lane = $1
       WHERE s.lane = $1 AND s.stream = u.id AND s.form = $3 AND s.epoch = l.epoch LIMIT 1) k ON true
 ORDER BY u.i
