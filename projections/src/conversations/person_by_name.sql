SELECT user_id, username, display_name
  FROM {conversations}.person WHERE lower(username) = $1 ORDER BY registered_at, user_id LIMIT 1
