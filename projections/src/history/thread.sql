INSERT INTO {schema}.thread AS t (conversation, root, replies, last_seq, last_at)
SELECT u.conversation, u.root, count(*), max(u.seq), max(u.at)
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[]) u(conversation, root, seq, at)
 GROUP BY u.conversation, u.root
ON CONFLICT (conversation, root) DO UPDATE
   SET replies = t.replies + excluded.replies, last_seq = excluded.last_seq, last_at = excluded.last_at
