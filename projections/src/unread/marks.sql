-- A mute ends by the clock. An archived conversation comes back with the next message that is said while it is not muted, and with the next
-- that mentions the viewer in any case: never by a change of the mute. Between two changes the last message tells, as the one that is said
-- latest. What is marked as unread is so until the viewer sends something, or comes in again.
SELECT k.conversation, m.muted, m.until AS muted_until,
       a.seq IS NOT NULL
       AND (coalesce(c.last_msg_no, 0) <= a.msg_no
            OR NOT EXISTS (SELECT
                             FROM (SELECT g.is_on, g.until, greatest(g.seq, a.seq) AS from_seq,
                                          min(g.seq) OVER (ORDER BY g.no ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS to_seq
                                     FROM (SELECT 0::bigint AS no, 0::bigint AS seq, false AS is_on, NULL::timestamptz AS until
                                            UNION ALL
                                           SELECT g.no, g.seq, g.is_on, g.until FROM {unread}.muting g
                                            WHERE g.user_id = $1 AND g.conversation = k.conversation) g) g
                            CROSS JOIN LATERAL (SELECT s.at FROM {history}.message s
                                                 WHERE s.conversation = k.conversation AND s.main
                                                   AND s.seq > g.from_seq AND s.seq <= coalesce(g.to_seq, 9223372036854775807)
                                                 ORDER BY s.seq DESC LIMIT 1) s
                            WHERE NOT g.is_on OR s.at >= g.until))
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
