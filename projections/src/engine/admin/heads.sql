SELECT l.lane, l.head FROM log_lane l WHERE l.lane = coalesce($1::smallint, l.lane)
