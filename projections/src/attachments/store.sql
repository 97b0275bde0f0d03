INSERT INTO {schema}.attachment (attachment, owner, at, name, type, size, sha256, width, height)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::int[], $9::int[])
