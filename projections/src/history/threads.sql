SELECT t.conversation, t.root, t.replies, t.last_seq, t.last_at
  FROM unnest($1::uuid[], $2::uuid[]) k(conversation, root)
 CROSS JOIN LATERAL (SELECT * FROM {history}.thread x WHERE x.conversation = k.conversation AND x.root = k.root LIMIT 1) t
