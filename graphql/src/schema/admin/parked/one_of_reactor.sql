SELECT reactor AS projection, lane, pos, stream, error, attempts, parked_at FROM reactor_parked
 WHERE reactor = $1 AND lane = $2 AND pos = $3
