SELECT NOT EXISTS (
    SELECT 1 FROM unnest($1::text[], $2::text[], $3::int[]) wanted(schema, label, version)
     WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = wanted.schema)
        OR EXISTS (SELECT 1 FROM log_lane lane
                    WHERE NOT EXISTS (SELECT 1 FROM projection_checkpoint point
                                       WHERE point.projection = wanted.label AND point.lane = lane.lane
                                         AND point.version = wanted.version)))
