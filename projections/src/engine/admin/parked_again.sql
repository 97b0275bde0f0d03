UPDATE projection_parked SET attempts = attempts + 1, error = $5
 WHERE projection = $1 AND version = $2 AND lane = $3 AND pos = $4
