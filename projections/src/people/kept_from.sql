-- Those of whom somebody is shown no receipts: who does not want them, and with whom a block stands, whoever of the two it is that blocks. All of
-- them, where it is the asker who does not want them.
SELECT k.user_id
  FROM unnest($2::uuid[]) k(user_id)
  LEFT JOIN LATERAL (SELECT s.receipts FROM {people}.setting s WHERE s.user_id = k.user_id LIMIT 1) t ON true
  LEFT JOIN LATERAL (SELECT s.receipts FROM {people}.setting s WHERE s.user_id = $1 LIMIT 1) m ON true
 WHERE NOT coalesce(t.receipts, true) OR NOT coalesce(m.receipts, true)
    OR (SELECT true FROM {people}.tie b WHERE b.user_id = k.user_id AND b.kind = 'blocked' AND b.other_id = $1 LIMIT 1) IS NOT NULL
    OR (SELECT true FROM {people}.tie b WHERE b.user_id = $1 AND b.kind = 'blocked' AND b.other_id = k.user_id LIMIT 1) IS NOT NULL
