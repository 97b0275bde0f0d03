SELECT k.number,
       $2::uuid IS NOT NULL AND EXISTS (SELECT FROM {conversations}.member e WHERE e.conversation = k.conversation
                                        AND e.left_seq IS NULL AND e.user_id <= $2) AS earlier,
       $3::uuid IS NOT NULL AND EXISTS (SELECT FROM {conversations}.member l WHERE l.conversation = k.conversation
                                        AND l.left_seq IS NULL AND l.user_id >= $3) AS later,
       m.user_id, m.role, m.joined_at
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
  LEFT JOIN LATERAL (SELECT * FROM {conversations}.member a
                      WHERE a.conversation = k.conversation AND a.left_seq IS NULL
                        AND a.user_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.user_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                      ORDER BY a.user_id {direction} LIMIT $4) m ON true
 ORDER BY k.number, m.user_id {direction}
