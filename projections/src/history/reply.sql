INSERT INTO {schema}.reply (conversation, root, seq, sender)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[]) u
