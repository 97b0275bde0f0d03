INSERT INTO {schema}.marked (user_id, conversation, seq)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) u(user_id, conversation, seq) WHERE u.seq IS NOT NULL
