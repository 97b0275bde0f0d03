-- Only those that are missing are tried: an insertion that conflicts waits for whoever is about to change the row.
INSERT INTO log_lane (lane)
SELECT lane FROM generate_series(0, $1::int - 1) wanted(lane)
 WHERE NOT EXISTS (SELECT FROM log_lane had WHERE had.lane = wanted.lane)
ON CONFLICT DO NOTHING
