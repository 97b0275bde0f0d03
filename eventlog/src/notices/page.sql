SELECT {columns}, 0
  FROM (SELECT {columns}, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) AS before
          FROM (SELECT {columns} FROM event
                 WHERE lane = $1 AND stream = $2 AND seq > $3 AND seq <= $4 AND kind BETWEEN 69 AND 95
                 ORDER BY seq LIMIT $5) e) e
 WHERE before < $6 ORDER BY seq
