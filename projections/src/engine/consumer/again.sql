-- Those first that were tried least: none that fails keeps others waiting.
SELECT p.lane, p.pos FROM reactor_parked p
 WHERE p.reactor = $1 AND p.again
 ORDER BY p.attempts, p.lane, p.pos LIMIT $2
