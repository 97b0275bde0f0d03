INSERT INTO {schema}.profile AS p (user_id, about, avatar)
SELECT u.user_id, coalesce(u.about, ''), u.avatar
  FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::uuid[]) u(user_id, about, has_avatar, avatar)
ON CONFLICT (user_id) DO UPDATE
   SET (about, avatar) = (SELECT coalesce(u.about, p.about), CASE WHEN u.has_avatar THEN u.avatar ELSE p.avatar END
                            FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::uuid[]) u(user_id, about, has_avatar, avatar)
                           WHERE u.user_id = p.user_id)
