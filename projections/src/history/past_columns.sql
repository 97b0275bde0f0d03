m.conversation, m.seq, m.message, m.sender, m.at, m.kind, CASE WHEN m.edited_at IS NULL THEN m.text ELSE v.text END AS text, m.attachment,
       m.reply_to, m.mentions, m.everyone, CASE WHEN v.seq > m.seq THEN v.at END AS edited_at, m.recalled_at, m.thread, m.main,
       m.forwarded_sender, m.forwarded_at, m.forwarded_conversation, m.forwarded_message,
       {withheld}
