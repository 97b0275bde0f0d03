INSERT INTO {schema}.sanction (conversation, kind, user_id, by_user, at, until, reason)
SELECT u.conversation, u.kind, u.user_id, u.by_user, u.at, u.until, u.reason
  FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::text[])
       u(conversation, kind, user_id, by_user, at, until, reason)
ON CONFLICT (conversation, kind, user_id) DO UPDATE SET by_user = excluded.by_user, at = excluded.at, until = excluded.until,
       reason = excluded.reason
