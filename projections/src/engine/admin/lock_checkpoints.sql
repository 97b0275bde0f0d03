SELECT c.projection, c.lane, c.pos
  FROM projection_checkpoint c
 WHERE EXISTS (SELECT FROM unnest($1::text[], $2::int[]) u(projection, version)
                WHERE u.projection = c.projection AND u.version = c.version)
 ORDER BY c.lane, c.projection, c.version FOR UPDATE
