-- What the viewer has not read of what mentions them, by conversation: by name, or as one of everybody, and once where both. Each is
-- counted from its own place on; what names them in threads alone from that of its thread. What people say whom the viewer blocks does not count.
-- Looked at are the last 10,000 that name them and as many that mention everybody, each probed for by key.
SELECT m.conversation, n.mentions + t.mentions + e.mentions + a.mentions AS mentions
  FROM unnest($2::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT m.conversation, m.joined_seq FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.user_id = $1 AND m.left_seq IS NULL LIMIT 1) m
  LEFT JOIN LATERAL (SELECT r.seq FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = m.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = m.conversation LIMIT 1) o ON true
{main_mentions}
{thread_mentions}
{thread_calls}
{main_calls}
