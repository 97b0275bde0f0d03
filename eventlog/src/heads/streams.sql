SELECT u.id, p.head_seq, p.msg_no, p.guard_seq, p.last_at
  FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY u(lane, id, i)
  LEFT JOIN LATERAL (SELECT * FROM stream s WHERE s.lane = u.lane AND s.stream = u.id LIMIT 1) p ON true
 ORDER BY u.i
