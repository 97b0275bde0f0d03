SELECT m.user_id, m.has_left, coalesce(greatest(p.own, p.read) >= $2, false) AS has_read,
       coalesce(greatest(p.own, p.read, p.sent) >= $2, false) AS is_delivered
  FROM (SELECT m.user_id, m.left_seq IS NOT NULL AS has_left FROM {conversations}.member m
         WHERE m.conversation = $1 AND m.joined_seq < $2 AND (m.left_seq IS NULL OR m.left_seq > $2) AND m.user_id <> $3 AND m.user_id > $4
         ORDER BY m.user_id LIMIT $5) m
 CROSS JOIN LATERAL (
      SELECT (SELECT coalesce(d.lapsed_from - 1, d.seq) FROM {inbox}.delivered d WHERE d.user_id = m.user_id AND d.conversation = $1) AS sent,
             (SELECT r.seq FROM {unread}.read_position r WHERE r.user_id = m.user_id AND r.conversation = $1) AS read,
             (SELECT o.seq FROM {unread}.own_position o WHERE o.user_id = m.user_id AND o.conversation = $1) AS own) p
