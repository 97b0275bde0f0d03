INSERT INTO {schema}.person AS p (user_id, username, display_name, registered_at)
SELECT u.user_id, u.username, u.display_name, u.at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) u(user_id, username, display_name, at)
ON CONFLICT (user_id) DO UPDATE SET username = excluded.username, display_name = excluded.display_name,
                                    registered_at = excluded.registered_at
