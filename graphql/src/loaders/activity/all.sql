-- Of a conversation whose events are aside nobody knows the members, so it is not shown.
-- Newest activity first, so what lies behind a cursor is older. Reading counts are looked up for the page only.
WITH mine AS (
    SELECT c.*, m.role
      FROM p_conversations.member m
      JOIN p_conversations.conversation c ON c.conversation = m.conversation
     WHERE m.user_id = $1 AND m.left_seq IS NULL
       AND NOT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.stream = m.conversation)
), page AS (
    SELECT * FROM mine
     WHERE ($2::timestamptz IS NULL OR (last_at, conversation) < ($2, $3::uuid))
       AND ($4::timestamptz IS NULL OR (last_at, conversation) > ($4, $5::uuid))
     ORDER BY last_at {direction}, conversation {direction}
     LIMIT $6
)
SELECT around.earlier, around.later, p.conversation, p.kind, p.title, p.created_at, p.last_seq, p.last_at, p.role,
       coalesce(r.read_seq, 0) AS read_seq, greatest(p.last_msg_no - coalesce(r.read_msg_no, 0), 0) AS unread_count
  FROM (SELECT $2 IS NOT NULL AND EXISTS (SELECT FROM mine WHERE (last_at, conversation) >= ($2, $3)) AS earlier,
               $4 IS NOT NULL AND EXISTS (SELECT FROM mine WHERE (last_at, conversation) <= ($4, $5)) AS later) around
  LEFT JOIN page p ON true
  LEFT JOIN p_unread.reader r ON r.user_id = $1 AND r.conversation = p.conversation
 ORDER BY p.last_at {direction}, p.conversation {direction}
