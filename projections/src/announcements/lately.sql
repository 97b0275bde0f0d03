-- Since when people are there, and what they were told last, in whatever order.
SELECT k.user_id, r.at AS registered_at, a.announcement
  FROM unnest($1::uuid[]) k(user_id)
  LEFT JOIN LATERAL (SELECT n.at FROM {people}.name n WHERE n.user_id = k.user_id ORDER BY n.seq LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT t.announcement FROM {announcements}.announced t
                      WHERE t.user_id = k.user_id ORDER BY t.seq DESC LIMIT 1) a ON true
