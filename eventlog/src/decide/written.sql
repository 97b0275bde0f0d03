SELECT u.stream, u.command, p.kind, p.actor, p.seq
  FROM unnest($2::uuid[], $3::uuid[]) u(stream, command)
 CROSS JOIN LATERAL (
      SELECT e.kind, e.actor, e.seq FROM event e
       WHERE e.lane = $1 AND e.command = u.command AND e.stream = u.stream AND e.kind = ANY($4::smallint[]) LIMIT 1) p
