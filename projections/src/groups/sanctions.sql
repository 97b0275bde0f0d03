SELECT k.number,
       $3::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.sanction e WHERE e.conversation = k.conversation
                                        AND e.kind = $2 AND e.user_id <= $3
                                        AND (e.kind = 'muted' OR e.until IS NULL OR e.until > now())) AS earlier,
       $4::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.sanction l WHERE l.conversation = k.conversation
                                        AND l.kind = $2 AND l.user_id >= $4
                                        AND (l.kind = 'muted' OR l.until IS NULL OR l.until > now())) AS later,
       s.user_id, s.by_user, s.at, s.until, s.reason
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.sanction a
                      WHERE a.conversation = k.conversation AND a.kind = $2
                        AND a.user_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.user_id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND (a.kind = 'muted' OR a.until IS NULL OR a.until > now())
                      ORDER BY a.user_id {direction} LIMIT $5) s ON true
 ORDER BY k.number, s.user_id {direction}
