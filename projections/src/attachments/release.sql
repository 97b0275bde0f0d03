DELETE FROM {schema}.claim c USING unnest($1::uuid[], $2::bigint[]) u(conversation, seq)
 WHERE c.conversation = u.conversation AND c.seq = u.seq
