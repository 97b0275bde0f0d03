INSERT INTO {schema}.muting (user_id, conversation, no, seq, is_on, until)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[], $6::timestamptz[]) u
