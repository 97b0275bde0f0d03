-- One statement, so one snapshot: up to where the conversation is cleared, which of these messages are hidden, and up to where the user's
-- lane is folded, or their own stream, where events of it are aside.
SELECT 'cleared' AS what, c.seq FROM {unread}.cleared c WHERE c.user_id = $1 AND c.conversation = $2
UNION ALL
SELECT 'message', h.seq
  FROM unnest($3::bigint[]) u(seq)
 CROSS JOIN LATERAL (SELECT h.seq FROM {unread}.hidden h
                      WHERE h.user_id = $1 AND h.conversation = $2 AND h.seq = u.seq LIMIT 1) h
UNION ALL
SELECT 'folded', least(c.pos, (SELECT min(p.pos) - 1 FROM projection_parked p
                                WHERE p.projection = 'unread' AND p.version = {unread_version} AND p.stream = $1))
  FROM projection_checkpoint c
 WHERE c.projection = 'unread' AND c.version = {unread_version} AND c.lane = $4
