-- When people were last there, which is in no log, and whom they want to know it.
SELECT k.user_id, l.at, s.last_seen
  FROM unnest($1::uuid[]) k(user_id)
  LEFT JOIN LATERAL (SELECT l.at FROM last_seen l WHERE l.user_id = k.user_id LIMIT 1) l ON true
  LEFT JOIN LATERAL (SELECT s.last_seen FROM {people}.setting s WHERE s.user_id = k.user_id LIMIT 1) s ON true
