-- Deletions behind a place that the log was not told of. Whether the name was freed shows in it: no username begins like that.
SELECT id, deleted_at, deleted_by_operator, starts_with(username_key, '#') AS name_freed
  FROM account WHERE deleted_at IS NOT NULL AND deletion_told_at IS NULL AND ($2::uuid IS NULL OR id = $2)
   AND (deleted_at, id) > ($3, $4)
 ORDER BY deleted_at, id LIMIT $1
