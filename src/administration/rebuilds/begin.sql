INSERT INTO rebuild AS r (projection, node, ordered_by, is_rollback) VALUES ($1, $2, $3, $5)
ON CONFLICT (projection) DO UPDATE
   SET node = $2, ordered_by = $3, stage = 'running', done = 0, total = 0, started_at = now(), ended_at = NULL, error = NULL,
       cancelled = false, is_rollback = $5
 WHERE r.stage <> 'running'
    OR NOT EXISTS (SELECT FROM node n WHERE n.id = r.node AND n.seen_at > now() - $4::float8 * interval '1 second')
RETURNING r.projection
