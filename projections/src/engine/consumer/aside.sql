-- Which streams of a lane a read model has put aside, that somebody relies on.
SELECT DISTINCT s.stream
  FROM unnest($2::text[], $3::int[]) u(projection, version)
 CROSS JOIN LATERAL (SELECT FROM projection_parked p
                      WHERE p.projection = u.projection AND p.version = u.version AND p.lane = $1 LIMIT 1) something
 CROSS JOIN unnest($4::uuid[]) s(stream)
 CROSS JOIN LATERAL (SELECT FROM projection_parked p
                      WHERE p.projection = u.projection AND p.stream = s.stream AND p.version = u.version LIMIT 1) found
