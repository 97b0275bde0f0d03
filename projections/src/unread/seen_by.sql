-- Members who were there before messages and have read up to them, without the sender: in the main timeline where that shows the message,
-- or in its thread. Each is probed for by key, so a list is read in as many probes as its conversation has members: whoever asks has made
-- sure that these are few.
SELECT k.number, m.user_id, m.role, m.joined_at
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::boolean[]) WITH ORDINALITY k(conversation, seq, sender, thread, main, number)
 CROSS JOIN LATERAL (SELECT m.user_id, m.role, m.joined_at FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.left_seq IS NULL AND m.joined_seq < k.seq AND m.user_id <> k.sender
                        AND greatest((SELECT r.seq FROM {unread}.read_position r
                                       WHERE r.user_id = m.user_id AND r.conversation = k.conversation AND k.main),
                                     (SELECT o.seq FROM {unread}.own_position o
                                       WHERE o.user_id = m.user_id AND o.conversation = k.conversation AND k.main),
                                     (SELECT t.seq FROM {unread}.thread_read t
                                       WHERE t.user_id = m.user_id AND t.conversation = k.conversation AND t.thread = k.thread),
                                     (SELECT p.own_seq FROM {unread}.thread_part p
                                       WHERE p.user_id = m.user_id AND p.conversation = k.conversation AND p.thread = k.thread)) >= k.seq
                      ORDER BY m.user_id LIMIT $6) m
 ORDER BY k.number, m.user_id
