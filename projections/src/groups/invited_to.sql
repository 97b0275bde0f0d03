-- Of those who invite somebody into the same group, whoever was told of first names it, and nobody whom they block by now.
SELECT k.number,
       $2::uuid IS NOT NULL AND (SELECT true FROM {groups}.invited e WHERE e.user_id = k.user_id
                                    AND e.conversation <= $2 AND e.until > now() LIMIT 1) IS NOT NULL AS earlier,
       $3::uuid IS NOT NULL AND (SELECT true FROM {groups}.invited l WHERE l.user_id = k.user_id
                                    AND l.conversation >= $3 AND l.until > now() LIMIT 1) IS NOT NULL AS later,
       s.conversation, s.name, s.by_user, s.at, s.until
  FROM unnest($1::uuid[]) WITH ORDINALITY k(user_id, number)
  LEFT JOIN LATERAL (SELECT * FROM {groups}.invited a
                      WHERE a.user_id = k.user_id
                        AND a.conversation > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
                        AND a.conversation < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                        AND a.until > now()
                        AND (SELECT true FROM {people}.tie t WHERE t.user_id = a.user_id AND t.kind = 'blocked'
                                AND t.other_id = a.by_user LIMIT 1) IS NULL
                        AND (SELECT true FROM {groups}.invited b WHERE b.user_id = a.user_id AND b.conversation = a.conversation
                                AND b.until > now() AND (b.at, b.by_user) < (a.at, a.by_user)
                                AND (SELECT true FROM {people}.tie t WHERE t.user_id = b.user_id AND t.kind = 'blocked'
                                        AND t.other_id = b.by_user LIMIT 1) IS NULL
                              LIMIT 1) IS NULL
                      ORDER BY a.conversation {direction} LIMIT $4) s ON true
 ORDER BY k.number, s.conversation {direction}
