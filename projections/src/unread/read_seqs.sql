SELECT r.read_seq
  FROM unnest($2::uuid[]) WITH ORDINALITY u(id, i)
  LEFT JOIN LATERAL (SELECT r.read_seq FROM {unread}.reader r
                      WHERE r.user_id = $1 AND r.conversation = u.id LIMIT 1) r ON true
 ORDER BY u.i
