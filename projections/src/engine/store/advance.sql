-- Rows are locked in the order of their names by everybody who locks several.
WITH held AS MATERIALIZED (
    SELECT c.projection, c.version, c.lane
      FROM unnest($2::text[], $3::int[]) u(projection, version)
      JOIN projection_checkpoint c ON c.projection = u.projection AND c.version = u.version
     WHERE c.lane = $1 AND c.pos = $4
     ORDER BY c.projection FOR UPDATE OF c)
UPDATE projection_checkpoint c SET pos = $5
  FROM held h WHERE c.projection = h.projection AND c.version = h.version AND c.lane = h.lane AND c.pos = $4
