SELECT k.announcement, r.delivered, r.read
  FROM unnest($1::uuid[]) k(announcement)
 CROSS JOIN LATERAL (SELECT count(*) AS delivered, count(*) FILTER (WHERE a.read) AS read
                       FROM {announcements}.announced a WHERE a.announcement = k.announcement) r
