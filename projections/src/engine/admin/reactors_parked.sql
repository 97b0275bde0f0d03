SELECT p.reactor, p.lane, p.pos, p.stream, p.error, p.attempts, p.parked_at FROM reactor_parked p
 ORDER BY p.parked_at, p.reactor, p.lane, p.pos LIMIT $1
