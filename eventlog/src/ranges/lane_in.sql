SELECT {shown} FROM event e
 WHERE lane = $1 AND pos > $2 AND pos <= $3
   AND EXISTS (SELECT FROM log_lane WHERE lane = $1 AND epoch::bigint = $5)
 ORDER BY pos LIMIT $4
