SELECT greatest(r.seq, o.seq) AS read_seq
  FROM unnest($2::uuid[]) WITH ORDINALITY u(id, i)
  LEFT JOIN LATERAL (SELECT r.seq FROM {unread}.read_position r
                      WHERE r.user_id = $1 AND r.conversation = u.id LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = u.id LIMIT 1) o ON true
 ORDER BY u.i
