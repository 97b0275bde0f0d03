SELECT u.command, p.kind, p.seq, p.msg_no
  FROM unnest($3::uuid[]) u(command)
 CROSS JOIN LATERAL (
      SELECT e.kind, e.seq, e.msg_no FROM event e
       WHERE e.lane = $1 AND e.command = u.command AND e.stream = $2 AND e.kind = ANY($4::smallint[]) LIMIT 1) p
