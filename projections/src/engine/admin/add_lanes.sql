-- Only those that are missing are tried: an insertion that conflicts waits for whoever is about to change the row, and a fold
-- changes its checkpoint for as long as it takes.
INSERT INTO projection_checkpoint (projection, version, lane)
SELECT $1, $2, lane FROM log_lane wanted
 WHERE NOT EXISTS (SELECT FROM projection_checkpoint had
                    WHERE had.projection = $1 AND had.version = $2 AND had.lane = wanted.lane)
ON CONFLICT DO NOTHING
