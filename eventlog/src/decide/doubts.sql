SELECT s.guard_seq, p.stream, p.pos, p.seq, p.at, p.actor, p.digest, s.head_seq, h.pos, h.at, p.kind
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY u(stream, command, i)
  LEFT JOIN LATERAL (
      SELECT s.guard_seq, s.head_seq FROM stream s WHERE s.lane = $1 AND s.stream = u.stream LIMIT 1) s ON true
  LEFT JOIN LATERAL (
      SELECT e.pos, e.at FROM event e
       WHERE e.lane = $1 AND e.stream = u.stream AND e.seq = s.head_seq LIMIT 1) h ON true
  LEFT JOIN LATERAL (
      SELECT e.stream, e.pos, e.seq, e.at, e.actor, e.digest, e.kind FROM event e
       WHERE e.lane = $1 AND e.command = u.command ORDER BY e.idx DESC LIMIT 1) p ON true
 ORDER BY u.i
