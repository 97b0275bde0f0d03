INSERT INTO {schema}.everyone (conversation, seq, sender, thread, main)
SELECT u.* FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::boolean[]) u
