SELECT s.user_id, s.receipts, s.last_seen, s.direct, s.add_me
  FROM unnest($1::uuid[]) k(user_id)
 CROSS JOIN LATERAL (SELECT * FROM {people}.setting s WHERE s.user_id = k.user_id LIMIT 1) s
