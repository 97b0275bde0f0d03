-- But for those of which the viewer has cleared or does not see all replies.
SELECT t.conversation, t.root, t.replies, t.last_seq, t.last_at
  FROM unnest($2::uuid[], $3::uuid[]) k(conversation, root)
 CROSS JOIN LATERAL (SELECT * FROM {history}.thread x WHERE x.conversation = k.conversation AND x.root = k.root LIMIT 1) t
  LEFT JOIN LATERAL (SELECT max(c.seq) AS seq FROM {floors} c WHERE c.user_id = $1 AND c.conversation = k.conversation) e ON true
 WHERE t.last_seq > coalesce(e.seq, 0)
