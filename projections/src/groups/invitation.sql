INSERT INTO {schema}.invitation (conversation, user_id, by_user, at, until)
SELECT u.conversation, u.user_id, u.by_user, u.at, u.until
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
       u(conversation, user_id, by_user, at, until)
ON CONFLICT (conversation, user_id, by_user) DO UPDATE SET at = excluded.at, until = excluded.until
