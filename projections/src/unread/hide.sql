INSERT INTO {schema}.hidden (user_id, conversation, seq, msg_no)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) u
ON CONFLICT DO NOTHING
