INSERT INTO {schema}.announcement (stream, announcement, by_user, text, made_at, at, published_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
ON CONFLICT (stream, announcement) DO NOTHING
