-- A read model that is ahead of a log that has gone back is compared with all that there is.
SELECT c.lane, least(c.pos, l.head)
  FROM projection_checkpoint c
  JOIN log_lane l ON l.lane = c.lane
 WHERE c.projection = $1 AND c.version = $2
