-- Members of these conversations, which are small, whom somebody's receipts are kept from: those who do not want receipts, and those with whom a
-- block stands, whoever of the two it is that blocks. Where it is themselves, they are kept from all.
SELECT k.conversation, m.user_id
  FROM unnest($2::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT m.user_id FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.left_seq IS NULL ORDER BY m.user_id LIMIT $3) m
  LEFT JOIN LATERAL (SELECT s.receipts FROM {people}.setting s WHERE s.user_id = m.user_id LIMIT 1) s ON true
 WHERE NOT coalesce(s.receipts, true)
    OR (SELECT true FROM {people}.tie b WHERE b.user_id = m.user_id AND b.kind = 'blocked' AND b.other_id = $1 LIMIT 1) IS NOT NULL
    OR (SELECT true FROM {people}.tie b WHERE b.user_id = $1 AND b.kind = 'blocked' AND b.other_id = m.user_id LIMIT 1) IS NOT NULL
