INSERT INTO {schema}.taken_back (conversation, seq, message, attachment)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[])
