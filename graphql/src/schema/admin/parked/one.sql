SELECT projection, lane, pos, stream, error, attempts, parked_at FROM projection_parked
 WHERE projection = $1 AND version = $2 AND lane = $3 AND pos = $4
