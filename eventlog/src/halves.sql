-- The last place, up to $2, whose event is early by a measure that never goes back with the places: halving finds it, with one probe a step. The event
-- at `low` is early, the one at `high` is not. What is no longer there is early.
WITH RECURSIVE halves(low, high) AS (
    SELECT 0::bigint, $2::bigint + 1
     UNION ALL
    SELECT CASE WHEN m.early THEN m.middle ELSE s.low END, CASE WHEN m.early THEN s.high ELSE m.middle END
      FROM halves s
     CROSS JOIN LATERAL (
          SELECT (s.low + s.high) / 2 AS middle,
                 coalesce((SELECT {is_early} FROM event e
                            WHERE e.lane = $1 AND {at_place} (s.low + s.high) / 2), true) AS early) m
     WHERE s.high - s.low > 1)
SELECT low FROM halves WHERE high - low <= 1
