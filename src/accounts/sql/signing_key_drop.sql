DELETE FROM signing_key k
 WHERE EXISTS (SELECT FROM signing_key newer
                WHERE newer.created_at > k.created_at
                  AND newer.created_at < now() - $1::bigint * interval '1 second' - interval '1 hour')
