-- What somebody saw by a membership that began in the batch is found as in join.sql, by any other it is in their row.
INSERT INTO {schema}.stay (conversation, user_id, from_seq, to_seq)
SELECT u.conversation, u.user_id,
       CASE WHEN u.joined_seq IS NULL THEN m.visible_from ELSE coalesce(u.from_seq, c.newcomers_from, u.joined_seq) END, u.left_seq
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) u(conversation, user_id, left_seq, joined_seq, from_seq)
  LEFT JOIN LATERAL (SELECT m.visible_from FROM {schema}.member m
                      WHERE m.conversation = u.conversation AND m.user_id = u.user_id LIMIT 1) m ON true
  LEFT JOIN LATERAL (SELECT c.newcomers_from FROM {schema}.conversation c WHERE c.conversation = u.conversation LIMIT 1) c ON true
 WHERE u.joined_seq IS NOT NULL OR m.visible_from IS NOT NULL
ON CONFLICT (conversation, user_id, to_seq) DO UPDATE SET from_seq = excluded.from_seq
