-- Whose account is deleted is found by no name.
SELECT user_id, username, display_name, false AS is_deleted
  FROM {conversations}.person WHERE lower(username) = $1 AND username <> user_id::text ORDER BY registered_at, user_id LIMIT 1
