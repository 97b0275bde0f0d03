DELETE FROM {schema}.void v
 USING unnest($1::uuid[], $2::bigint[]) u(conversation, seq)
 WHERE v.conversation = u.conversation AND v.seq = u.seq AND v.withheld
