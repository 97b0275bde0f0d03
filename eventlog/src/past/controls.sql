-- What events of some kinds say is not read, however long it is.
SELECT {columns}, 0 FROM event e
 WHERE e.lane = $1 AND e.stream = $2 AND e.control AND e.seq > $3 AND e.seq <= $4
 ORDER BY e.seq LIMIT $5
