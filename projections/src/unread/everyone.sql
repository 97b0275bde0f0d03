INSERT INTO {schema}.everyone (conversation, seq, sender)
SELECT u.* FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) u
