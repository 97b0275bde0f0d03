SELECT p.user_id
  FROM unnest($1::uuid[]) u(id)
 CROSS JOIN LATERAL (SELECT p.user_id FROM {conversations}.person p WHERE p.user_id = u.id LIMIT 1) p
