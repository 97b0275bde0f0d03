WITH parked AS (
    SELECT a.projection, a.lane, a.pos, a.stream, a.error, a.attempts, a.parked_at
      FROM projection_parked a
      JOIN unnest($1::text[], $2::int[]) v(projection, version) ON a.projection = v.projection AND a.version = v.version
     UNION ALL
    SELECT r.reactor, r.lane, r.pos, r.stream, r.error, r.attempts, r.parked_at FROM reactor_parked r
), page AS (
    SELECT * FROM parked
     WHERE ($3::text IS NULL OR (projection, lane, pos) > ($3, $4::smallint, $5::bigint))
       AND ($6::text IS NULL OR (projection, lane, pos) < ($6, $7::smallint, $8::bigint))
     ORDER BY projection {direction}, lane {direction}, pos {direction}
     LIMIT $9
)
SELECT around.earlier, around.later, p.*, (SELECT e.kind FROM event e WHERE e.lane = p.lane AND e.pos = p.pos) AS kind
  FROM (SELECT $3 IS NOT NULL AND EXISTS (SELECT FROM parked WHERE (projection, lane, pos) <= ($3, $4, $5)) AS earlier,
               $6 IS NOT NULL AND EXISTS (SELECT FROM parked WHERE (projection, lane, pos) >= ($6, $7, $8)) AS later) around
  LEFT JOIN page p ON true
 ORDER BY p.projection {direction}, p.lane {direction}, p.pos {direction}
