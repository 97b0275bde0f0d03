-- Arrays cannot hold arrays of different lengths, so mentions come as array literals.
INSERT INTO {schema}.message (conversation, seq, message, msg_no, sender, at, kind, text, attachment, reply_to, mentions, thread, main,
                              everyone, forwarded_sender, forwarded_at, forwarded_conversation, forwarded_message)
SELECT u.conversation, u.seq, u.message, u.msg_no, u.sender, u.at, u.kind, u.text, u.attachment, u.reply_to, u.mentions::uuid[], u.thread, u.main,
       u.everyone, u.forwarded_sender, u.forwarded_at, u.forwarded_conversation, u.forwarded_message
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::timestamptz[], $7::text[], $8::text[],
              $9::uuid[], $10::uuid[], $11::text[], $12::uuid[], $13::boolean[], $14::boolean[], $15::uuid[], $16::timestamptz[],
              $17::uuid[], $18::uuid[])
       u(conversation, seq, message, msg_no, sender, at, kind, text, attachment, reply_to, mentions, thread, main,
         everyone, forwarded_sender, forwarded_at, forwarded_conversation, forwarded_message)
