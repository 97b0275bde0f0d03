-- But for those of which the viewer has cleared or does not see all replies. Replies that were recalled by now or are withheld now count for no
-- moment, nor does what the viewer does not see, and no more are counted than are told.
SELECT k.upto, k.conversation, k.root, c.count AS replies, y.seq AS last_seq, h.at AS last_at
  FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) k(conversation, root, upto)
 CROSS JOIN LATERAL (SELECT y.seq FROM {history}.reply y WHERE y.conversation = k.conversation AND y.root = k.root AND y.seq <= k.upto
                      ORDER BY y.seq DESC LIMIT 1) y
  LEFT JOIN LATERAL (SELECT max(c.seq) AS seq FROM {floors} c WHERE c.user_id = $1 AND c.conversation = k.conversation) e ON true
 CROSS JOIN LATERAL (SELECT h.at FROM {history}.message h WHERE h.conversation = k.conversation AND h.seq = y.seq LIMIT 1) h
 CROSS JOIN LATERAL (SELECT count(*) AS count
                       FROM (SELECT FROM {history}.reply n WHERE n.conversation = k.conversation AND n.root = k.root AND n.seq <= k.upto
                                AND n.seq > coalesce(e.seq, 0) AND NOT n.recalled
                                AND (SELECT true FROM {unread}.void v WHERE v.conversation = n.conversation AND v.seq = n.seq LIMIT 1) IS NULL
                                AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $1
                                                   AND x.conversation = n.conversation AND x.seq = n.seq LIMIT 1) IS NULL LIMIT $5) n) c
 WHERE y.seq > coalesce(e.seq, 0)
