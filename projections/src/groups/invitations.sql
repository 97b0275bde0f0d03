SELECT k.number,
       $2::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.invitation e WHERE e.conversation = k.conversation
                                        AND e.user_id <= $2 AND e.until > now()) AS earlier,
       $3::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.invitation l WHERE l.conversation = k.conversation
                                        AND l.user_id >= $3 AND l.until > now()) AS later,
       s.user_id, s.by_user, s.at, s.until
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.invitation a
                      WHERE a.conversation = k.conversation
                        AND a.user_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.user_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND a.until > now()
                      ORDER BY a.user_id {direction} LIMIT $4) s ON true
 ORDER BY k.number, s.user_id {direction}
