SELECT EXISTS (
    SELECT FROM unnest($1::smallint[], $2::bigint[]) w(lane, pos)
     CROSS JOIN unnest($3::text[], $4::int[]) v(projection, version)
     WHERE NOT EXISTS (SELECT FROM projection_checkpoint c
                        WHERE c.projection = v.projection AND c.version = v.version AND c.lane = w.lane AND c.pos >= w.pos))
