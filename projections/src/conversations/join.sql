-- What somebody sees is found at their joining: what the batch says that newcomers see, or what the conversation's row said before the batch.
INSERT INTO {schema}.member (conversation, user_id, role, joined_seq, joined_msg_no, joined_at, left_seq, visible_from, unseen_msg_no)
SELECT u.conversation, u.user_id, u.role, u.joined_seq, u.joined_msg_no, u.joined_at, u.left_seq,
       coalesce(u.visible_from, c.newcomers_from, u.joined_seq),
       coalesce(u.unseen_msg_no, CASE WHEN c.newcomers_from IS NULL THEN u.joined_msg_no ELSE c.newcomers_msg_no END)
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::bigint[])
       u(conversation, user_id, role, joined_seq, joined_msg_no, joined_at, left_seq, visible_from, unseen_msg_no)
  LEFT JOIN LATERAL (SELECT c.newcomers_from, c.newcomers_msg_no FROM {schema}.conversation c
                      WHERE c.conversation = u.conversation LIMIT 1) c ON true
ON CONFLICT (conversation, user_id) DO UPDATE SET role = excluded.role, joined_seq = excluded.joined_seq,
       joined_msg_no = excluded.joined_msg_no, joined_at = excluded.joined_at, left_seq = excluded.left_seq,
       visible_from = excluded.visible_from, unseen_msg_no = excluded.unseen_msg_no
