-- Replies as they were at the seq of each place: of what was edited behind that stands what it said then, and what was recalled by now says
-- nothing. What the viewer has hidden from themselves or does not see now is not there.
SELECT k.number,
       $3::bigint IS NOT NULL AND (SELECT true FROM {history}.reply e WHERE e.conversation = k.conversation
                                          AND e.root = k.root AND e.seq > k.floor AND e.seq <= least($3, k.upto)
                                          AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                             AND x.conversation = e.conversation AND x.seq = e.seq LIMIT 1) IS NULL LIMIT 1) IS NOT NULL AS earlier,
       $4::bigint IS NOT NULL AND (SELECT true FROM {history}.reply l WHERE l.conversation = k.conversation
                                          AND l.root = k.root AND l.seq > k.floor AND l.seq >= $4 AND l.seq <= k.upto
                                          AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                             AND x.conversation = l.conversation AND x.seq = l.seq LIMIT 1) IS NULL LIMIT 1) IS NOT NULL AS later,
       {past_columns}
  FROM (SELECT u.conversation, u.root, u.upto, u.number,
               coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $6 AND c.conversation = u.conversation), 0) AS floor
          FROM unnest($1::uuid[], $2::uuid[], $7::bigint[]) WITH ORDINALITY u(conversation, root, upto, number) OFFSET 0) k
  LEFT JOIN LATERAL (SELECT y.seq FROM {history}.reply y
                      WHERE y.conversation = k.conversation AND y.root = k.root AND y.seq > greatest(k.floor, $3)
                        AND y.seq < least($4, k.upto + 1)
                        AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                           AND x.conversation = y.conversation AND x.seq = y.seq LIMIT 1) IS NULL
                      ORDER BY y.seq {direction} LIMIT $5) r ON true
  LEFT JOIN LATERAL (SELECT * FROM {history}.message h WHERE h.conversation = k.conversation AND h.seq = r.seq LIMIT 1) m ON true
  {past_version}
 ORDER BY k.number, m.seq {direction}
