UPDATE {schema}.announced a SET read = true
  FROM unnest($1::uuid[], $2::bigint[]) u(user_id, seq)
 WHERE a.user_id = u.user_id AND a.seq <= u.seq AND NOT a.read
