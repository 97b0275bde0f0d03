SELECT pos, stream FROM projection_parked
 WHERE projection = $1 AND version = $2 AND lane = $3 AND pos > $4 AND ($6::uuid IS NULL OR stream = $6)
 ORDER BY pos LIMIT $5
