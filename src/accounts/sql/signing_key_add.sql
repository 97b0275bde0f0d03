-- Two nodes may both add one, which does no harm: each learns of the other's.
INSERT INTO signing_key (kid, secret)
SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM signing_key WHERE created_at > now() - $3::bigint * interval '1 second')
