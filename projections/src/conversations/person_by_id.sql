SELECT p.user_id, p.username, p.display_name, p.username = p.user_id::text AS is_deleted
  FROM unnest($1::uuid[]) u(id)
 CROSS JOIN LATERAL (SELECT * FROM {conversations}.person p WHERE p.user_id = u.id LIMIT 1) p
