INSERT INTO {schema}.mention (user_id, conversation, seq, msg_no, thread, main)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::boolean[]) u
