-- A mute ends by the clock. An archived conversation comes back with the next message unless it is muted, and with the next that mentions the
-- viewer in any case. What is marked as unread is so until the viewer sends something, or comes in again.
SELECT k.conversation, m.muted, m.until AS muted_until,
       a.seq IS NOT NULL AND (m.muted OR coalesce(c.last_msg_no, 0) <= a.msg_no)
       AND NOT EXISTS (SELECT FROM {unread}.mention n
                        WHERE n.user_id = $1 AND n.conversation = k.conversation AND n.seq > a.seq) AS archived,
       u.seq IS NOT NULL AND coalesce(o.seq, 0) <= u.seq AS marked_unread
  FROM unnest($2::uuid[]) k(conversation)
  LEFT JOIN LATERAL (SELECT c.last_msg_no FROM {conversations}.conversation c WHERE c.conversation = k.conversation LIMIT 1) c ON true
 CROSS JOIN LATERAL (SELECT count(*) > 0 AS muted, max(m.until) AS until FROM {unread}.muted m
                      WHERE m.user_id = $1 AND m.conversation = k.conversation AND (m.until IS NULL OR m.until > now())) m
  LEFT JOIN LATERAL (SELECT a.seq, a.msg_no FROM {unread}.archived a
                      WHERE a.user_id = $1 AND a.conversation = k.conversation LIMIT 1) a ON true
  LEFT JOIN LATERAL (SELECT u.seq FROM {unread}.marked u
                      WHERE u.user_id = $1 AND u.conversation = k.conversation LIMIT 1) u ON true
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = k.conversation LIMIT 1) o ON true
