-- Those of these people between whom and somebody a block stands, whoever of the two it is that blocks.
SELECT k.user_id
  FROM unnest($2::uuid[]) k(user_id)
 WHERE (SELECT true FROM {people}.tie b WHERE b.user_id = k.user_id AND b.kind = 'blocked' AND b.other_id = $1 LIMIT 1) IS NOT NULL
    OR (SELECT true FROM {people}.tie b WHERE b.user_id = $1 AND b.kind = 'blocked' AND b.other_id = k.user_id LIMIT 1) IS NOT NULL
