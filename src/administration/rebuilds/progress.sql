UPDATE rebuild SET done = $3, total = $4 WHERE projection = $1 AND node = $2 AND stage = 'running' RETURNING cancelled
