SELECT a.projection, a.lane, a.pos, a.stream, a.error, a.attempts, a.parked_at,
       (SELECT e.kind FROM event e WHERE e.lane = a.lane AND e.pos = a.pos) AS kind
  FROM unnest($1::text[], $2::int[]) v(projection, version)
  JOIN projection_parked a ON a.projection = v.projection AND a.version = v.version
 WHERE a.lane = $3 AND a.pos = ANY($4::bigint[])
 ORDER BY a.projection, a.pos
