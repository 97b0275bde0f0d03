SELECT v.projection, count(p.pos) AS events, coalesce(extract(epoch FROM now() - min(p.parked_at)), 0)::float8 AS oldest
  FROM unnest($1::text[], $2::int[]) v(projection, version)
  LEFT JOIN projection_parked p ON p.projection = v.projection AND p.version = v.version
 GROUP BY v.projection
