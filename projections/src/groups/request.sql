INSERT INTO {schema}.request (conversation, user_id, at)
SELECT u.conversation, u.user_id, u.at
  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) u(conversation, user_id, at)
ON CONFLICT (conversation, user_id) DO UPDATE SET at = excluded.at
