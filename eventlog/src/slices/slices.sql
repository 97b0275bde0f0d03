SELECT page, {columns}, standing
  FROM (SELECT u.page, u.bytes, u.i, e.*,
               sum(octet_length(e.payload)) OVER (PARTITION BY u.page ORDER BY u.i, e.seq ROWS UNBOUNDED PRECEDING)
               - octet_length(e.payload) AS before
          FROM unnest($1::int[], $2::bigint[], $3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[])
               WITH ORDINALITY u(page, bytes, lane_no, id, f, t, i)
         CROSS JOIN LATERAL (SELECT {gone} AS gone OFFSET 0) g
         CROSS JOIN LATERAL (SELECT {held} AS held OFFSET 0) h
         CROSS JOIN LATERAL (
              SELECT {columns}, {standing} AS standing FROM event e
               WHERE e.lane = u.lane_no AND e.stream = u.id AND e.seq >= u.f AND e.seq <= u.t ORDER BY e.seq) e) s
 WHERE s.before < s.bytes ORDER BY page, i, seq
