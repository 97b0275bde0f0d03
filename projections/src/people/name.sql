INSERT INTO {schema}.name (user_id, seq, display_name, at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[])
ON CONFLICT (user_id, seq) DO UPDATE SET display_name = excluded.display_name, at = excluded.at
