SELECT {shown} FROM event e WHERE lane = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4
