-- Only those that are missing are tried: an insertion that conflicts waits for whoever is about to change the row.
INSERT INTO reactor_checkpoint (reactor, lane)
SELECT $1, wanted.lane FROM log_lane wanted
 WHERE NOT EXISTS (SELECT FROM reactor_checkpoint had WHERE had.reactor = $1 AND had.lane = wanted.lane)
ON CONFLICT DO NOTHING
