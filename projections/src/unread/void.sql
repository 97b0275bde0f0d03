-- A message may be recalled on two nodes at once, and a recall wins.
INSERT INTO {schema}.void AS v (conversation, msg_no, seq, withheld)
SELECT u.* FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[]) u
ON CONFLICT (conversation, seq) DO UPDATE SET withheld = false WHERE v.withheld AND NOT excluded.withheld
