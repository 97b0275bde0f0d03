SELECT k.number,
       $3::uuid IS NOT NULL AND (SELECT true FROM {people}.tie e WHERE e.user_id = k.user_id AND e.kind = $2
                                    AND e.other_id <= $3 LIMIT 1) IS NOT NULL AS earlier,
       $4::uuid IS NOT NULL AND (SELECT true FROM {people}.tie l WHERE l.user_id = k.user_id AND l.kind = $2
                                    AND l.other_id >= $4 LIMIT 1) IS NOT NULL AS later,
       s.other_id, s.at, s.text
  FROM unnest($1::uuid[]) WITH ORDINALITY k(user_id, number)
  LEFT JOIN LATERAL (SELECT a.other_id, a.at, a.text FROM {people}.tie a
                      WHERE a.user_id = k.user_id AND a.kind = $2
                        AND a.other_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.other_id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND NOT (a.kind = 'received'
                                 AND (SELECT true FROM {people}.tie b WHERE b.user_id = a.user_id AND b.kind = 'blocked'
                                         AND b.other_id = a.other_id LIMIT 1) IS NOT NULL)
                      ORDER BY a.other_id {direction} LIMIT $5) s ON true
 ORDER BY k.number, s.other_id {direction}
