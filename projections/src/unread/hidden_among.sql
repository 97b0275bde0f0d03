SELECT c.seq, true AS is_cleared FROM {unread}.cleared c WHERE c.user_id = $1 AND c.conversation = $2
UNION ALL
SELECT h.seq, false
  FROM unnest($3::bigint[]) u(seq)
 CROSS JOIN LATERAL (SELECT h.seq FROM {unread}.hidden h
                      WHERE h.user_id = $1 AND h.conversation = $2 AND h.seq = u.seq LIMIT 1) h
