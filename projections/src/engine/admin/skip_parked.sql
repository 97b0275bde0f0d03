DELETE FROM projection_parked p
 WHERE p.projection = $1 AND p.version = $2 AND p.lane = $3 AND p.pos = $4
   AND NOT EXISTS (SELECT FROM projection_parked e
                    WHERE e.projection = $1 AND e.version = $2 AND e.lane = $3 AND e.stream = p.stream AND e.pos < p.pos)
