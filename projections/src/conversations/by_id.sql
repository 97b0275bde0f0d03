-- Of a conversation whose events are aside nobody knows the members, so it is not shown.
SELECT c.conversation, c.kind, c.title, c.created_at, c.last_seq, c.last_at, m.role, coalesce(r.read_seq, 0) AS read_seq,
       greatest(c.last_msg_no - coalesce(r.read_msg_no, 0), 0) AS unread_count
  FROM unnest($2::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT m.role FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.user_id = $1 AND m.left_seq IS NULL LIMIT 1) m
 CROSS JOIN LATERAL (SELECT * FROM {conversations}.conversation c WHERE c.conversation = k.conversation LIMIT 1) c
  LEFT JOIN LATERAL (SELECT r.read_seq, r.read_msg_no FROM {unread}.reader r
                      WHERE r.user_id = $1 AND r.conversation = k.conversation LIMIT 1) r ON true
 WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.stream = k.conversation))
