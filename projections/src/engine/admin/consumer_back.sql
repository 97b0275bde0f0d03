-- The log has gone back: what is behind its end now has not been seen.
UPDATE reactor_checkpoint c SET pos = l.head FROM log_lane l
 WHERE c.reactor = $1 AND l.lane = c.lane AND c.pos > l.head
