INSERT INTO {schema}.taken_back (conversation, message, attachment)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
