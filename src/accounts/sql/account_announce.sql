UPDATE account SET announced_at = now() WHERE id = $1 AND announced_at IS NULL
