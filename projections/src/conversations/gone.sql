-- No username is an id, so nobody is found by it, and whose it is shows that there is no account any more.
UPDATE {schema}.person p SET username = p.user_id::text
  FROM unnest($1::uuid[]) u(user_id) WHERE p.user_id = u.user_id
