-- Those who have asked for so many seconds ask no more.
SELECT k.number,
       $2::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.request e WHERE e.conversation = k.conversation
                                        AND e.user_id <= $2 AND e.at > now() - $5::bigint * interval '1 second') AS earlier,
       $3::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.request l WHERE l.conversation = k.conversation
                                        AND l.user_id >= $3 AND l.at > now() - $5::bigint * interval '1 second') AS later,
       s.user_id, s.at
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.request a
                      WHERE a.conversation = k.conversation
                        AND a.user_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.user_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND a.at > now() - $5::bigint * interval '1 second'
                      ORDER BY a.user_id {direction} LIMIT $4) s ON true
 ORDER BY k.number, s.user_id {direction}
