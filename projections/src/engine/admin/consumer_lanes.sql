INSERT INTO reactor_checkpoint (reactor, lane) SELECT $1, l.lane FROM log_lane l
ON CONFLICT DO NOTHING
