SELECT m.user_id, m.has_left, coalesce(p.read >= $2, false) AS has_read, coalesce(greatest(p.read, p.sent) >= $2, false) AS is_delivered
  FROM (SELECT h.thread, coalesce(h.main, true) AS main
          FROM (VALUES ($1::uuid, $2::bigint)) k(conversation, seq)
          LEFT JOIN LATERAL (SELECT h.thread, h.main FROM {history}.message h WHERE h.conversation = k.conversation AND h.seq = k.seq LIMIT 1) h
               ON true OFFSET 0) said
 CROSS JOIN (SELECT m.user_id, m.left_seq IS NOT NULL AS has_left FROM {conversations}.member m
              WHERE m.conversation = $1 AND m.joined_seq < $2 AND (m.left_seq IS NULL OR m.left_seq > $2) AND m.user_id <> $3 AND m.user_id > $4
              ORDER BY m.user_id LIMIT $5) m
 CROSS JOIN LATERAL (
      SELECT (SELECT coalesce(d.lapsed_from - 1, d.seq) FROM {inbox}.delivered d WHERE d.user_id = m.user_id AND d.conversation = $1) AS sent,
             greatest((SELECT r.seq FROM {unread}.read_position r WHERE r.user_id = m.user_id AND r.conversation = $1 AND said.main),
                      (SELECT o.seq FROM {unread}.own_position o WHERE o.user_id = m.user_id AND o.conversation = $1 AND said.main),
                      (SELECT t.seq FROM {unread}.thread_read t
                        WHERE t.user_id = m.user_id AND t.conversation = $1 AND t.thread = said.thread),
                      (SELECT p.own_seq FROM {unread}.thread_part p
                        WHERE p.user_id = m.user_id AND p.conversation = $1 AND p.thread = said.thread)) AS read) p
