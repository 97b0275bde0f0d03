SELECT k.number,
       $2::uuid IS NOT NULL AND (SELECT true FROM {announcements}.announcement e WHERE e.stream = k.stream
                                    AND e.announcement <= $2 LIMIT 1) IS NOT NULL AS earlier,
       $3::uuid IS NOT NULL AND (SELECT true FROM {announcements}.announcement l WHERE l.stream = k.stream
                                    AND l.announcement >= $3 LIMIT 1) IS NOT NULL AS later,
       s.announcement, s.by_user, s.text, s.made_at, s.at, s.published_at, s.cancelled_at, s.cancelled_by
  FROM unnest($1::uuid[]) WITH ORDINALITY k(stream, number)
  LEFT JOIN LATERAL (SELECT * FROM {announcements}.announcement a
                      WHERE a.stream = k.stream
                        AND a.announcement > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.announcement < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                      ORDER BY a.announcement {direction} LIMIT $4) s ON true
 ORDER BY k.number, s.announcement {direction}
