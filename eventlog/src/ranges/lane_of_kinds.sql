SELECT {shown}
  FROM (SELECT {columns},
               sum(octet_length(payload)) OVER (ORDER BY pos) - octet_length(payload) AS before
          FROM event
         WHERE lane = $1 AND pos > $2 AND pos <= $3 AND ($5::smallint[] IS NULL OR kind = ANY ($5)) ORDER BY pos) e
 WHERE before < $4 ORDER BY pos
