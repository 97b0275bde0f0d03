m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, m.everyone, m.edited_at,
       m.recalled_at, m.thread, m.main, m.forwarded_sender, m.forwarded_at, m.forwarded_conversation, m.forwarded_message,
       {withheld}
