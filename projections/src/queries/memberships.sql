SELECT u.i, m.conversation, m.joined_seq, m.left_seq, k.delivered_seq, k.delivered_msg_no, k.expired_from
  FROM unnest($1::uuid[]) WITH ORDINALITY u(id, i)
  JOIN p_conversations.member m ON m.user_id = u.id
  LEFT JOIN LATERAL (SELECT c.delivered_seq, c.delivered_msg_no, c.expired_from FROM p_inbox.cursor c
                      WHERE c.user_id = m.user_id AND c.conversation = m.conversation LIMIT 1) k ON true
 ORDER BY u.i, m.conversation
