INSERT INTO {schema}.invitation_sent (conversation, by_user, user_id, at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
ON CONFLICT (conversation, by_user, user_id) DO UPDATE SET at = excluded.at
