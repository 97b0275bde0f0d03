INSERT INTO {schema}.group_setting (conversation, name, value)
SELECT u.conversation, u.name, u.value
  FROM unnest($1::uuid[], $2::text[], $3::text[]) u(conversation, name, value)
ON CONFLICT (conversation, name) DO UPDATE SET value = excluded.value
