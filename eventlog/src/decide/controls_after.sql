SELECT e.*
  FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY u(lane, id, s, p, i)
 CROSS JOIN LATERAL (
      SELECT {columns}, 0 FROM event e
       WHERE e.lane = u.lane AND e.stream = u.id AND e.control AND e.seq > u.s AND e.pos > u.p
       ORDER BY e.seq LIMIT $5) e
 ORDER BY u.i, e.seq LIMIT $5
