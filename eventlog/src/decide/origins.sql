SELECT u.stream, u.command, p.kind, p.ver, p.at, p.payload
  FROM unnest($1::smallint[], $2::uuid[], $3::uuid[]) u(lane, stream, command)
 CROSS JOIN LATERAL (
      SELECT e.kind, e.ver, e.at, e.payload FROM event e
       WHERE e.lane = u.lane AND e.command = u.command AND e.stream = u.stream AND e.kind = $4 LIMIT 1) p
