SELECT {columns}, 0 FROM event
 WHERE lane = $1 AND stream = $2 AND kind = $3 AND seq > $4 ORDER BY seq DESC LIMIT $5
