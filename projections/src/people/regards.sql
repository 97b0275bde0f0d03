SELECT k.user_id, s.receipts, s.last_seen, s.direct, s.add_me,
       (SELECT true FROM {people}.tie c WHERE c.user_id = k.user_id AND c.kind = 'contact' AND c.other_id = $1 LIMIT 1) IS NOT NULL AS is_contact,
       (SELECT true FROM {people}.tie b WHERE b.user_id = k.user_id AND b.kind = 'blocked' AND b.other_id = $1 LIMIT 1) IS NOT NULL AS is_blocked,
       (SELECT true FROM {people}.tie o WHERE o.user_id = $1 AND o.kind = 'blocked' AND o.other_id = k.user_id LIMIT 1) IS NOT NULL AS blocks
  FROM unnest($2::uuid[]) k(user_id)
  LEFT JOIN LATERAL (SELECT * FROM {people}.setting s WHERE s.user_id = k.user_id LIMIT 1) s ON true
