-- Replies that were recalled by now or are withheld now count for no moment, nor does what the viewer has hidden. No more are counted than are told.
SELECT k.conversation, k.root, k.upto, c.count
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) k(conversation, root, upto)
 CROSS JOIN LATERAL (
      SELECT count(*) AS count
        FROM (SELECT FROM {history}.reply y WHERE y.conversation = k.conversation AND y.root = k.root AND y.seq <= k.upto
                 AND NOT y.recalled
                 AND (SELECT true FROM {unread}.void v WHERE v.conversation = y.conversation AND v.seq = y.seq LIMIT 1) IS NULL
                 AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $5
                                    AND x.conversation = y.conversation AND x.seq = y.seq LIMIT 1) IS NULL LIMIT $4) y) c
