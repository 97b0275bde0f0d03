UPDATE upload SET tried_at = now()
 WHERE id = (SELECT u.id FROM upload u
              WHERE u.received = u.size AND NOT u.stored AND NOT u.whole AND u.expires_at > now()
                AND u.tried_at < $1::timestamptz - $3::bigint * interval '1 second'
                -- Its last part came as long before its end as an upload is kept, or its end was near: then it is tried before that all the same.
                AND u.tried_at + least(u.tried_at - (u.expires_at - $2::bigint * interval '1 second'), $4::bigint * interval '1 second',
                                       (u.expires_at - u.tried_at) / 2) < $1
              ORDER BY u.tried_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, user_id, name, media_type, metadata, size, received, parts, ends, stored, expires_at
