SELECT {columns}, false FROM event
 WHERE lane = $1 AND stream = $2 AND kind = $3 ORDER BY seq DESC LIMIT $4
