-- When the message was sent is not known here, so each month is asked: one probe. A recalled message is not there any more.
UPDATE {schema}.entry e SET lexemes = u.lexemes::tsvector
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[]) u(conversation, seq, message, lexemes)
 WHERE e.conversation = u.conversation AND e.seq = u.seq AND e.message = u.message
