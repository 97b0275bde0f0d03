SELECT count(*), max(pos), min(pos) FILTER (WHERE at > $4),
       count(*) FILTER (WHERE at <= $4 AND ($5::smallint[] IS NULL OR kind = ANY ($5)))
  FROM event WHERE lane = $1 AND pos > $2 AND pos <= $3
