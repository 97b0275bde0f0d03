-- Read from the history itself, which may be a little ahead of or behind what the conversation's row says.
SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, m.edited_at,
       m.recalled_at
  FROM unnest($1::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT * FROM {history}.message h WHERE h.conversation = k.conversation ORDER BY h.seq DESC LIMIT 1) m
