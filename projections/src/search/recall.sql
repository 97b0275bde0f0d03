DELETE FROM {schema}.entry e
 USING unnest($1::uuid[], $2::bigint[], $3::uuid[]) u(conversation, seq, message)
 WHERE e.conversation = u.conversation AND e.seq = u.seq AND e.message = u.message
