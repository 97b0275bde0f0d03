-- How far a live read model is in a lane; null where it is not to be compared: it is not read, has put events of the stream aside, or has
-- folded some that came behind those with the seqs up to $5.
SELECT (SELECT c.pos FROM projection_checkpoint c
         WHERE c.projection = $1 AND c.version = $2 AND c.lane = $3
           AND EXISTS (SELECT FROM projection_version v WHERE v.projection = $1 AND v.version = $2)
           AND NOT EXISTS (SELECT FROM projection_parked p
                            WHERE p.projection = $1 AND p.version = $2 AND p.lane = $3 AND p.stream = $4)
           AND NOT EXISTS (SELECT FROM event e WHERE e.lane = $3 AND e.stream = $4 AND e.seq > $5 AND e.pos <= c.pos))
