SELECT u.projection
  FROM unnest($1::text[], $2::int[]) u(projection, version)
 WHERE NOT EXISTS (SELECT 1 FROM projection_version v WHERE v.projection = u.projection AND v.version = u.version)
