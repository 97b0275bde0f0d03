SELECT pos, stream FROM projection_parked
 WHERE projection = $1 AND version = $2 AND lane = $3 AND pos > $4
 ORDER BY pos LIMIT $5
