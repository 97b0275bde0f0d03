-- Those between whom and somebody a block stands, whoever of the two it is that blocks.
SELECT * FROM (SELECT t.other_id AS user_id FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'blocked' LIMIT $2) own
UNION ALL
SELECT * FROM (SELECT t.user_id FROM {people}.tie t WHERE t.other_id = $1 AND t.kind = 'blocked' LIMIT $2) others
