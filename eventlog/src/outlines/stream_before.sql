-- As lane_before.sql, for the seqs of a stream.
WITH RECURSIVE halves(low, high) AS (
    SELECT 0::bigint, $2::bigint + 1
     UNION ALL
    SELECT CASE WHEN m.older THEN m.middle ELSE s.low END, CASE WHEN m.older THEN s.high ELSE m.middle END
      FROM halves s
     CROSS JOIN LATERAL (
          SELECT (s.low + s.high) / 2 AS middle,
                 coalesce((SELECT e.at < $3::timestamptz FROM event e
                            WHERE e.lane = $1 AND e.stream = $4 AND e.seq = (s.low + s.high) / 2), true) AS older) m
     WHERE s.high - s.low > 1)
SELECT low FROM halves WHERE high - low <= 1
