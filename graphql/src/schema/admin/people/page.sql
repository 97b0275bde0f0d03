WITH people AS (
    SELECT id, username, display_name, username_key FROM account
     WHERE username_key >= $1 AND username_key < $2 AND deleted_at IS NULL
), page AS (
    SELECT * FROM people
     WHERE ($3::text IS NULL OR username_key > $3) AND ($4::text IS NULL OR username_key < $4)
     ORDER BY username_key {direction}
     LIMIT $5
)
SELECT around.earlier, around.later, p.id AS user_id, p.username, p.display_name
  FROM (SELECT $3 IS NOT NULL AND EXISTS (SELECT FROM people WHERE username_key <= $3) AS earlier,
               $4 IS NOT NULL AND EXISTS (SELECT FROM people WHERE username_key >= $4) AS later) around
  LEFT JOIN page p ON true
 ORDER BY p.username_key {direction}
