WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[]) w(schema, label, version)
)
SELECT NOT EXISTS (SELECT 1 FROM wanted WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = wanted.schema)),
       NOT EXISTS (SELECT 1 FROM wanted CROSS JOIN log_lane lane
                    WHERE NOT EXISTS (SELECT 1 FROM projection_checkpoint point
                                       WHERE point.projection = wanted.label AND point.lane = lane.lane
                                         AND point.version = wanted.version))
