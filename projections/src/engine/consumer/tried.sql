-- What is tried again by itself is given up to whoever operates the server at some time, unless it could not be tried at all.
UPDATE reactor_parked SET attempts = attempts + 1, error = $4, again = $5 AND (attempts < 10 OR $6)
 WHERE reactor = $1 AND lane = $2 AND pos = $3
