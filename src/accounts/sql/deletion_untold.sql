-- Whether the name was freed shows in it: no username begins like that.
SELECT id, deleted_by_operator, starts_with(username_key, '#') AS name_freed
  FROM account WHERE deleted_at IS NOT NULL AND deletion_told_at IS NULL AND ($2::uuid IS NULL OR id = $2)
 ORDER BY deleted_at LIMIT $1
