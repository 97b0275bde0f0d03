SELECT {shown} FROM event e
 WHERE lane = $1 AND stream = $2 AND seq >= $3 AND seq <= $4 ORDER BY seq LIMIT $5
