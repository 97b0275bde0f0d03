-- What the viewer has hidden from themselves or does not see is not there: of each conversation floors say up to where.
SELECT k.number,
       $3::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.message e WHERE e.conversation = k.conversation AND e.main
                                          AND e.seq > k.floor AND e.seq <= $3
                                          AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                             AND x.conversation = e.conversation AND x.seq = e.seq LIMIT 1) IS NULL) AS earlier,
       $4::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.message l WHERE l.conversation = k.conversation AND l.main
                                          AND l.seq > k.floor AND l.seq >= $4
                                          AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                             AND x.conversation = l.conversation AND x.seq = l.seq LIMIT 1) IS NULL) AS later,
       {message_columns}
  FROM (SELECT u.conversation, u.number,
               greatest(u.floor, (SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $6 AND c.conversation = u.conversation)) AS floor
          FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY u(conversation, floor, number) OFFSET 0) k
  LEFT JOIN LATERAL (SELECT * FROM {history}.message h
                      WHERE h.conversation = k.conversation AND h.main AND h.seq > greatest(k.floor, $3)
                        AND h.seq < coalesce($4, 9223372036854775807)
                        AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                           AND x.conversation = h.conversation AND x.seq = h.seq LIMIT 1) IS NULL
                      ORDER BY h.seq {direction} LIMIT $5) m ON true
 ORDER BY k.number, m.seq {direction}
