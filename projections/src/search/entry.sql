INSERT INTO {schema}.entry (conversation, seq, at, message, lexemes)
SELECT u.conversation, u.seq, u.at, u.message, u.lexemes::tsvector
  FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::text[]) u(conversation, seq, at, message, lexemes)
