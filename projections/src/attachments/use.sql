INSERT INTO {schema}.usage AS x (owner, bytes, files)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
ON CONFLICT (owner) DO UPDATE SET bytes = x.bytes + excluded.bytes, files = x.files + excluded.files
