UPDATE rebuild SET done = $3, total = $4, stage = $5, error = $6, ended_at = now()
 WHERE projection = $1 AND node = $2 AND stage = 'running'
