INSERT INTO {schema}.link (conversation, link, by_user, at, until, uses, used)
SELECT u.conversation, u.link, u.by_user, u.at, u.until, u.uses, u.used
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[])
       u(conversation, link, by_user, at, until, uses, used)
ON CONFLICT DO NOTHING
