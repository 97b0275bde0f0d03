INSERT INTO {schema}.claim (conversation, seq, attachment)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[])
