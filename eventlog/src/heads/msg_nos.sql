SELECT p.msg_no
  FROM unnest($1::smallint[], $2::uuid[], $3::bigint[]) WITH ORDINALITY u(lane, id, seq, i)
  LEFT JOIN LATERAL (
      SELECT e.msg_no FROM event e WHERE e.lane = u.lane AND e.stream = u.id AND e.seq = u.seq LIMIT 1) p ON true
 ORDER BY u.i
