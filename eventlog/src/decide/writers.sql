-- Waits for whoever writes to the lane: an append holds the row until it is committed, or not.
SELECT FROM log_lane WHERE lane = $1 FOR SHARE
