INSERT INTO {schema}.archived (user_id, conversation, no, seq, msg_no)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) u(user_id, conversation, no, seq, msg_no)
 WHERE u.seq IS NOT NULL
