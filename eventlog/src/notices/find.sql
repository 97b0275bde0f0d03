-- The kinds stand in the text: an index for some kinds serves a statement only if it says which it asks for.
SELECT u.i, n.seq, o.seq
  FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY u(lane_no, id, f, t, most, i)
 CROSS JOIN LATERAL (
      SELECT e.seq FROM event e
       WHERE e.lane = u.lane_no AND e.stream = u.id AND e.seq > u.f AND e.seq <= u.t AND e.kind BETWEEN 69 AND 95
       ORDER BY e.seq DESC LIMIT 1) n
  LEFT JOIN LATERAL (
      SELECT e.seq FROM event e
       WHERE e.lane = u.lane_no AND e.stream = u.id AND e.seq > u.f AND e.seq <= u.t AND e.kind BETWEEN 69 AND 95
       ORDER BY e.seq DESC OFFSET u.most LIMIT 1) o ON true
