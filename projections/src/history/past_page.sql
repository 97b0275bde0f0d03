-- The main timeline as it was at the seq $2: of what was edited behind that stands what it said then, and what was recalled by now says
-- nothing. What the viewer has hidden from themselves or does not see now is not there.
SELECT 1::bigint AS number,
       $3::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.message e WHERE e.conversation = k.conversation AND e.main
                                          AND e.seq > k.floor AND e.seq <= least($3::bigint, k.upto)
                                          AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                             AND x.conversation = e.conversation AND x.seq = e.seq LIMIT 1) IS NULL) AS earlier,
       $4::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.message l WHERE l.conversation = k.conversation AND l.main
                                          AND l.seq > k.floor AND l.seq >= $4::bigint AND l.seq <= k.upto
                                          AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                             AND x.conversation = l.conversation AND x.seq = l.seq LIMIT 1) IS NULL) AS later,
       {past_columns}
  FROM (SELECT $1::uuid AS conversation, $2::bigint AS upto,
               coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $6 AND c.conversation = $1), 0) AS floor OFFSET 0) k
  LEFT JOIN LATERAL (SELECT * FROM {history}.message h
                      WHERE h.conversation = k.conversation AND h.main AND h.seq > greatest(k.floor, $3::bigint)
                        AND h.seq < least($4::bigint, k.upto + 1)
                        AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                           AND x.conversation = h.conversation AND x.seq = h.seq LIMIT 1) IS NULL
                      ORDER BY h.seq {direction} LIMIT $5) m ON true
  {past_version}
 ORDER BY m.seq {direction}
