DELETE FROM {schema}.pin p
 USING unnest($1::uuid[], $2::bigint[]) u(conversation, message_seq)
 WHERE p.conversation = u.conversation AND p.message_seq = u.message_seq
