SELECT {shown}
  FROM (SELECT {columns},
               sum(octet_length(payload)) OVER (ORDER BY pos) - octet_length(payload) AS before
          FROM event WHERE lane = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4) e
 WHERE before < $5 ORDER BY pos
