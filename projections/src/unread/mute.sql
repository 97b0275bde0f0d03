INSERT INTO {schema}.muted AS m (user_id, conversation, until)
SELECT u.user_id, u.conversation, u.until
  FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::timestamptz[]) u(user_id, conversation, is_on, until) WHERE u.is_on
ON CONFLICT (user_id, conversation) DO UPDATE SET until = excluded.until
