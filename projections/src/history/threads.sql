-- But for those of which the viewer has cleared or does not see all replies.
SELECT t.conversation, t.root, {replies_seen} AS replies, t.last_seq, t.last_at
  FROM (SELECT u.conversation, u.root, $1::uuid AS viewer,
               coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $1 AND c.conversation = u.conversation), 0) AS floor
          FROM unnest($2::uuid[], $3::uuid[]) u(conversation, root) OFFSET 0) k
 CROSS JOIN LATERAL (SELECT * FROM {history}.thread x WHERE x.conversation = k.conversation AND x.root = k.root LIMIT 1) t
 WHERE t.last_seq > k.floor
