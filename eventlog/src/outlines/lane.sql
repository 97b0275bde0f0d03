SELECT {columns} FROM event e
 WHERE e.lane = $1 AND e.pos > $2 AND e.pos <= $3
   AND ($4::smallint[] IS NULL OR e.kind = ANY($4)) AND ($5::uuid IS NULL OR e.actor = $5)
   AND e.kind <> ALL($7::smallint[])
 ORDER BY e.pos LIMIT $6
