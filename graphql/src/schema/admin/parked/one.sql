SELECT a.projection, a.lane, a.pos, a.stream, a.error, a.attempts, a.parked_at,
       (SELECT e.kind FROM event e WHERE e.lane = a.lane AND e.pos = a.pos) AS kind
  FROM projection_parked a
 WHERE a.projection = $1 AND a.version = $2 AND a.lane = $3 AND a.pos = $4
