INSERT INTO {schema}.conversation AS c (conversation, kind, title, created_at, created_by, last_seq, last_msg_no, last_at,
                                        last_message, last_message_seq)
SELECT u.*
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::uuid[], $6::bigint[], $7::bigint[],
              $8::timestamptz[], $9::uuid[], $10::bigint[]) u
ON CONFLICT (conversation) DO UPDATE SET kind = excluded.kind, title = excluded.title, created_at = excluded.created_at,
       created_by = excluded.created_by, last_seq = excluded.last_seq, last_msg_no = excluded.last_msg_no,
       last_at = excluded.last_at, last_message = coalesce(excluded.last_message, c.last_message),
       last_message_seq = coalesce(excluded.last_message_seq, c.last_message_seq)
