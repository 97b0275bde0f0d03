INSERT INTO projection_checkpoint (projection, version, lane)
SELECT $1, $2, lane FROM log_lane
ON CONFLICT DO NOTHING
