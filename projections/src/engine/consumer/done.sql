DELETE FROM reactor_parked WHERE reactor = $1 AND lane = $2 AND pos = $3
