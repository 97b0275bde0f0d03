UPDATE {schema}.link l SET used = l.used + u.used
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) u(conversation, link, used)
 WHERE l.conversation = u.conversation AND l.link = u.link
