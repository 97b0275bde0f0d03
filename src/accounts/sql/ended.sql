SELECT id, NULL::uuid FROM account WHERE suspended_at IS NOT NULL
 UNION ALL
SELECT NULL, id FROM session WHERE revoked_at > now() - $1::bigint * interval '1 second'
