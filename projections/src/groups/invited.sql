INSERT INTO {schema}.invited (user_id, conversation, name, by_user, at, until)
SELECT u.user_id, u.conversation, u.name, u.by_user, u.at, u.until
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
       u(user_id, conversation, name, by_user, at, until)
ON CONFLICT (user_id, conversation, by_user) DO UPDATE SET name = excluded.name, at = excluded.at, until = excluded.until
