UPDATE {schema}.person p SET display_name = u.display_name
  FROM unnest($1::uuid[], $2::text[]) u(user_id, display_name) WHERE p.user_id = u.user_id
