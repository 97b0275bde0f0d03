SELECT k.number,
       $2::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.invited e WHERE e.user_id = k.user_id
                                        AND e.conversation <= $2 AND e.until > now()) AS earlier,
       $3::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.invited l WHERE l.user_id = k.user_id
                                        AND l.conversation >= $3 AND l.until > now()) AS later,
       s.conversation, s.name, s.by_user, s.at, s.until
  FROM unnest($1::uuid[]) WITH ORDINALITY k(user_id, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.invited a
                      WHERE a.user_id = k.user_id
                        AND a.conversation > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.conversation < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND a.until > now()
                      ORDER BY a.conversation {direction} LIMIT $4) s ON true
 ORDER BY k.number, s.conversation {direction}
