SELECT {columns} FROM event e
 WHERE e.lane = $1 AND e.stream = $8 AND e.seq > $2 AND e.seq <= $3
   AND ($4::smallint[] IS NULL OR e.kind = ANY($4)) AND ($5::uuid IS NULL OR e.actor = $5)
   AND e.kind <> ALL($7::smallint[])
 ORDER BY e.seq LIMIT $6
