INSERT INTO {schema}.tie (user_id, kind, other_id, pair, at, text)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[])
ON CONFLICT (user_id, kind, other_id) DO UPDATE SET pair = excluded.pair, at = excluded.at, text = excluded.text
