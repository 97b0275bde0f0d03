UPDATE {schema}.conversation c SET newcomers_from = u.newcomers_from, newcomers_msg_no = u.newcomers_msg_no
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) u(conversation, newcomers_from, newcomers_msg_no)
 WHERE c.conversation = u.conversation
