SELECT p.user_id, p.about, p.avatar
  FROM unnest($1::uuid[]) k(user_id)
 CROSS JOIN LATERAL (SELECT * FROM {people}.profile p WHERE p.user_id = k.user_id LIMIT 1) p
