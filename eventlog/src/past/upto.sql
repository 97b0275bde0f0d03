-- As stream_before.sql of the outlines, for a position of the lane: positions grow with the seqs of a stream.
WITH RECURSIVE halves(low, high) AS (
    SELECT 0::bigint, $2::bigint + 1
     UNION ALL
    SELECT CASE WHEN m.older THEN m.middle ELSE s.low END, CASE WHEN m.older THEN s.high ELSE m.middle END
      FROM halves s
     CROSS JOIN LATERAL (
          SELECT (s.low + s.high) / 2 AS middle,
                 coalesce((SELECT e.pos <= $3::bigint FROM event e
                            WHERE e.lane = $1 AND e.stream = $4 AND e.seq = (s.low + s.high) / 2), true) AS older) m
     WHERE s.high - s.low > 1)
SELECT low FROM halves WHERE high - low <= 1
