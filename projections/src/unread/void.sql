-- A message may be recalled on two nodes at once.
INSERT INTO {schema}.void (conversation, msg_no, seq)
SELECT u.* FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) u
ON CONFLICT DO NOTHING
