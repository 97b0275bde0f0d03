SELECT k.number,
       $2::uuid IS NOT NULL AND (SELECT true FROM {groups}.invitation e WHERE e.conversation = k.conversation
                                    AND (e.user_id, e.by_user) <= ($2, $3::uuid) AND e.until > now() LIMIT 1) IS NOT NULL AS earlier,
       $4::uuid IS NOT NULL AND (SELECT true FROM {groups}.invitation l WHERE l.conversation = k.conversation
                                    AND (l.user_id, l.by_user) >= ($4, $5::uuid) AND l.until > now() LIMIT 1) IS NOT NULL AS later,
       s.user_id, s.by_user, s.at, s.until
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.invitation a
                      WHERE a.conversation = k.conversation
                        AND (a.user_id, a.by_user) > (coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'),
                                                      coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
                        AND (a.user_id, a.by_user) < (coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
                                                      coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                        AND a.until > now()
                      ORDER BY a.user_id {direction}, a.by_user {direction} LIMIT $6) s ON true
 ORDER BY k.number, s.user_id {direction}, s.by_user {direction}
