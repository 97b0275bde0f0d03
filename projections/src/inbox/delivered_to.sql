-- As seen_by.sql, for those of whom a device has been sent messages. Who has read one has been sent it, and what has expired was not sent.
SELECT k.number, m.user_id, m.role, m.joined_at
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) WITH ORDINALITY k(conversation, seq, sender, number)
 CROSS JOIN LATERAL (SELECT m.user_id, m.role, m.joined_at FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.left_seq IS NULL AND m.joined_seq < k.seq AND m.user_id <> k.sender
                        AND greatest((SELECT coalesce(d.lapsed_from - 1, d.seq) FROM {inbox}.delivered d
                                       WHERE d.user_id = m.user_id AND d.conversation = k.conversation),
                                     (SELECT r.seq FROM {unread}.read_position r
                                       WHERE r.user_id = m.user_id AND r.conversation = k.conversation),
                                     (SELECT o.seq FROM {unread}.own_position o
                                       WHERE o.user_id = m.user_id AND o.conversation = k.conversation)) >= k.seq
                      ORDER BY m.user_id LIMIT $4) m
 ORDER BY k.number, m.user_id
