SELECT id, NULL::uuid, NULL::uuid FROM account WHERE suspended_at IS NOT NULL
 UNION ALL
SELECT NULL, id, NULL FROM session WHERE revoked_at > now() - $1::bigint * interval '1 second'
 UNION ALL
SELECT NULL, NULL, id FROM account WHERE deleted_at > now() - $1::bigint * interval '1 second'
