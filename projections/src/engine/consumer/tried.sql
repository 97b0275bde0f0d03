-- What is tried again by itself is given up to whoever operates the server at some time.
UPDATE reactor_parked SET attempts = attempts + 1, error = $4, again = $5 AND attempts < 10
 WHERE reactor = $1 AND lane = $2 AND pos = $3
