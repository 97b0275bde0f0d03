SELECT k.number,
       $2::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.link e WHERE e.conversation = k.conversation
                                        AND e.link <= $2) AS earlier,
       $3::uuid IS NOT NULL AND EXISTS (SELECT FROM {groups}.link l WHERE l.conversation = k.conversation
                                        AND l.link >= $3) AS later,
       s.link, s.by_user, s.at, s.until, s.uses, s.used
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.link a
                      WHERE a.conversation = k.conversation
                        -- Ids of links are chosen by clients, so that the first and the last one there can be are among them.
                        AND a.link >= coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.link <= coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND a.link IS DISTINCT FROM $2 AND a.link IS DISTINCT FROM $3
                      ORDER BY a.link {direction} LIMIT $4) s ON true
 ORDER BY k.number, s.link {direction}
