-- The time of this look, and what has ended since the last one, all by the database's clock. Before the first look ($1), and where the clock
-- has been set back since the last one, it reaches as far back as there can be tokens, and for deleted users ($4) links to files.
WITH look AS (
    SELECT now() AS at,
           CASE WHEN $1::timestamptz <= now() THEN $1 ELSE now() - $2::bigint * interval '1 second' END
               - $3::bigint * interval '1 second' AS since,
           CASE WHEN $1::timestamptz <= now() THEN $1 ELSE now() - $4::bigint * interval '1 second' END
               - $3::bigint * interval '1 second' AS deleted_since
)
SELECT look.at, NULL::uuid, NULL::uuid, NULL::uuid FROM look
 UNION ALL
SELECT NULL, id, NULL, NULL FROM account WHERE suspended_at IS NOT NULL AND deleted_at IS NULL
 UNION ALL
SELECT NULL, NULL, id, NULL FROM session WHERE revoked_at > (SELECT since FROM look)
 UNION ALL
SELECT NULL, NULL, NULL, id FROM account WHERE deleted_at > (SELECT deleted_since FROM look)
