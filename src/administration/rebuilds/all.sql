SELECT r.projection, r.stage, r.done, r.total, r.ordered_by, r.started_at, r.ended_at, r.error, r.is_rollback,
       EXISTS (SELECT FROM node n WHERE n.id = r.node AND n.seen_at > now() - $1::float8 * interval '1 second') AS runs
  FROM rebuild r ORDER BY r.projection
