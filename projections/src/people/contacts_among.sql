-- Those of these people who are contacts of somebody.
SELECT k.user_id
  FROM unnest($2::uuid[]) k(user_id)
 WHERE (SELECT true FROM {people}.tie c WHERE c.user_id = $1 AND c.kind = 'contact' AND c.other_id = k.user_id LIMIT 1) IS NOT NULL
