SELECT r.reactor AS projection, r.lane, r.pos, r.stream, r.error, r.attempts, r.parked_at,
       (SELECT e.kind FROM event e WHERE e.lane = r.lane AND e.pos = r.pos) AS kind
  FROM reactor_parked r
 WHERE r.reactor = $1 AND r.lane = $2 AND r.pos = $3
