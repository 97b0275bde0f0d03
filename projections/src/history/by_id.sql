-- What the viewer has hidden from themselves is not there.
SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, m.everyone, m.edited_at,
       m.recalled_at, m.thread, m.main, m.forwarded_sender, m.forwarded_at, m.forwarded_conversation, m.forwarded_message
  FROM unnest($1::uuid[], $2::uuid[]) k(conversation, message)
 CROSS JOIN LATERAL (SELECT * FROM {history}.message m WHERE m.message = k.message AND m.conversation = k.conversation LIMIT 1) m
 WHERE NOT EXISTS (SELECT FROM {unread}.hidden x WHERE x.user_id = $3 AND x.conversation = m.conversation AND x.seq = m.seq)
   AND NOT EXISTS (SELECT FROM {unread}.cleared c WHERE c.user_id = $3 AND c.conversation = m.conversation AND c.seq >= m.seq)
