-- Of a conversation whose events are aside nobody knows the members, so it is not shown.
SELECT c.conversation, c.kind, c.title, c.created_at, c.last_seq, c.last_at, m.role, coalesce(r.read_seq, 0) AS read_seq,
       greatest(c.last_msg_no - coalesce(r.read_msg_no, 0), 0) AS unread_count
  FROM p_conversations.member m
  JOIN p_conversations.conversation c ON c.conversation = m.conversation
  LEFT JOIN p_unread.reader r ON r.user_id = m.user_id AND r.conversation = m.conversation
 WHERE m.user_id = $1 AND m.conversation = ANY($2) AND m.left_seq IS NULL
   AND NOT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.stream = m.conversation)
