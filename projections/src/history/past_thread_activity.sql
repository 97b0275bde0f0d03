-- The thread that had been active last by the seq $2 comes first. Those that had replies since stand where their last reply of then has brought
-- them: of these $7 are looked at, and whether there are more is said. What the viewer has cleared or does not see is not there.
WITH since AS (
    SELECT x.root, y.seq
      FROM (SELECT x.root FROM {history}.thread x WHERE x.conversation = $1 AND x.last_seq > $2 ORDER BY x.last_seq LIMIT $7::bigint + 1) x
      LEFT JOIN LATERAL (SELECT y.seq FROM {history}.reply y WHERE y.conversation = $1 AND y.root = x.root AND y.seq <= $2
                          ORDER BY y.seq DESC LIMIT 1) y ON true
)
SELECT 1::bigint AS number, (SELECT count(*) FROM since) > $7 AS too_many,
       $3::bigint IS NOT NULL AND ((SELECT true FROM since s WHERE s.seq > k.floor AND s.seq >= $3 LIMIT 1) IS NOT NULL
                                   OR (SELECT true FROM {history}.thread e WHERE e.conversation = k.conversation AND e.last_seq > k.floor
                                          AND e.last_seq >= $3 AND e.last_seq <= k.upto LIMIT 1) IS NOT NULL) AS earlier,
       $4::bigint IS NOT NULL AND ((SELECT true FROM since s WHERE s.seq > k.floor AND s.seq <= $4 LIMIT 1) IS NOT NULL
                                   OR (SELECT true FROM {history}.thread l WHERE l.conversation = k.conversation AND l.last_seq > k.floor
                                          AND l.last_seq <= least($4, k.upto) LIMIT 1) IS NOT NULL) AS later,
       k.conversation, t.root, c.count AS replies, t.seq AS last_seq, h.at AS last_at
  FROM (SELECT $1::uuid AS conversation, $2::bigint AS upto,
               coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $6 AND c.conversation = $1), 0) AS floor OFFSET 0) k
  LEFT JOIN LATERAL (SELECT a.root, a.seq
                       FROM (SELECT s.root, s.seq FROM since s
                              UNION ALL
                             (SELECT x.root, x.last_seq FROM {history}.thread x
                               WHERE x.conversation = k.conversation AND x.last_seq > greatest(k.floor, $4) AND x.last_seq < least($3, k.upto + 1)
                               ORDER BY x.last_seq {direction} LIMIT $5)) a
                      WHERE a.seq > greatest(k.floor, $4) AND a.seq < least($3, k.upto + 1)
                      ORDER BY a.seq {direction} LIMIT $5) t ON true
  LEFT JOIN LATERAL (SELECT h.at FROM {history}.message h WHERE h.conversation = k.conversation AND h.seq = t.seq LIMIT 1) h ON true
 CROSS JOIN LATERAL (SELECT count(*) AS count
                       FROM (SELECT FROM {history}.reply n WHERE n.conversation = k.conversation AND n.root = t.root AND n.seq <= k.upto
                                AND n.seq > k.floor AND NOT n.recalled
                                AND (SELECT true FROM {unread}.void v WHERE v.conversation = n.conversation AND v.seq = n.seq LIMIT 1) IS NULL
                                AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $6
                                                   AND x.conversation = n.conversation AND x.seq = n.seq LIMIT 1) IS NULL LIMIT $8) n) c
 ORDER BY t.seq {direction}
