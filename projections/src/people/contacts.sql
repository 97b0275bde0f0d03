-- The contacts of somebody.
SELECT t.other_id AS user_id FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'contact' LIMIT $2
