SELECT a.announcement, a.by_user, a.text, a.made_at, a.at, a.published_at, a.cancelled_at, a.cancelled_by
  FROM unnest($2::uuid[]) k(announcement)
 CROSS JOIN LATERAL (SELECT * FROM {announcements}.announcement a
                      WHERE a.stream = $1 AND a.announcement = k.announcement LIMIT 1) a
