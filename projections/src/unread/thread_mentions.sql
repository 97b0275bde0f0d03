-- What mentions a member m in threads alone, behind what they have read or sent in each, and not from before they came: of at most
-- 10,000 threads in which they take part.
 CROSS JOIN LATERAL (
      SELECT coalesce(sum(c.count), 0)::bigint AS mentions
        FROM (SELECT p.thread, p.own_seq FROM {unread}.thread_part p
               WHERE p.user_id = $1 AND p.conversation = m.conversation LIMIT 10000) p
        LEFT JOIN LATERAL (SELECT r.seq FROM {unread}.thread_read r
                            WHERE r.user_id = $1 AND r.conversation = m.conversation AND r.thread = p.thread LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT c.seq FROM {unread}.cleared c
                            WHERE c.user_id = $1 AND c.conversation = m.conversation LIMIT 1) e ON true
       CROSS JOIN LATERAL (SELECT count(*) FROM {unread}.mention n
                            WHERE n.user_id = $1 AND n.conversation = m.conversation AND n.thread = p.thread AND NOT n.main
                              AND n.seq > greatest(m.joined_seq, e.seq, p.own_seq, r.seq)
                              AND NOT EXISTS (SELECT FROM {unread}.void v WHERE v.conversation = n.conversation AND v.seq = n.seq)
                              AND NOT EXISTS (SELECT FROM {unread}.hidden h WHERE h.user_id = $1
                                                 AND h.conversation = n.conversation AND h.seq = n.seq)) c) t
