-- Conversations that each is in, and a quarter of those that they have left. No more are counted than make the most that may be.
SELECT u.id, c.count
  FROM unnest($1::uuid[]) u(id)
 CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE m.left_seq IS NULL) + count(m.left_seq) / 4 AS count
        FROM (SELECT m.left_seq FROM {conversations}.member m WHERE m.user_id = u.id LIMIT 4 * $2::bigint) m) c
