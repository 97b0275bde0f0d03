UPDATE rebuild r SET cancelled = true
 WHERE r.projection = $1 AND r.stage = 'running'
   AND EXISTS (SELECT FROM node n WHERE n.id = r.node AND n.seen_at > now() - $2::float8 * interval '1 second')
RETURNING r.projection
