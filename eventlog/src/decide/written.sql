SELECT u.stream, u.command
  FROM unnest($2::uuid[], $3::uuid[]) u(stream, command)
 CROSS JOIN LATERAL (
      SELECT 1 FROM event e
       WHERE e.lane = $1 AND e.command = u.command AND e.stream = u.stream AND e.kind = $4 LIMIT 1) p
