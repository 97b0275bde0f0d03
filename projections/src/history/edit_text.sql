-- Of several edits of a message the last one counts.
UPDATE {schema}.message m SET text = u.text, edited_at = u.at
  FROM (SELECT DISTINCT ON (e.conversation, e.message_seq) e.*
          FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::text[])
               e(conversation, message_seq, message, seq, at, text)
         ORDER BY e.conversation, e.message_seq, e.seq DESC) u
 WHERE m.conversation = u.conversation AND m.seq = u.message_seq AND m.message = u.message AND m.recalled_at IS NULL
