SELECT n.user_id, n.display_name, n.at
  FROM unnest($1::uuid[]) k(user_id)
 CROSS JOIN LATERAL (SELECT n.user_id, n.seq, n.display_name, n.at FROM {people}.name n
                      WHERE n.user_id = k.user_id ORDER BY n.seq DESC LIMIT $2) n
 ORDER BY n.user_id, n.seq DESC
