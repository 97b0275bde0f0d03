SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, m.edited_at,
       m.recalled_at
  FROM unnest($1::uuid[]) WITH ORDINALITY k(conversation, number)
 CROSS JOIN LATERAL (SELECT x.message_seq, x.seq FROM {history}.pin x WHERE x.conversation = k.conversation) p
 CROSS JOIN LATERAL (SELECT * FROM {history}.message m WHERE m.conversation = k.conversation AND m.seq = p.message_seq LIMIT 1) m
 ORDER BY k.number, p.seq DESC
