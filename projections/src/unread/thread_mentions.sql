-- What mentions a member m by name in threads alone, behind what they have read or sent in each, and not from before they came: of the last
-- 1,000, however many threads they stand in.
 CROSS JOIN LATERAL (
      SELECT count(*) AS mentions
        FROM (SELECT n.seq, n.thread FROM {unread}.mention n
               WHERE n.user_id = $1 AND n.conversation = m.conversation AND NOT n.main AND n.seq > m.joined_seq
               ORDER BY n.seq DESC LIMIT 1000) n
        LEFT JOIN LATERAL (SELECT p.own_seq FROM {unread}.thread_part p
                            WHERE p.user_id = $1 AND p.conversation = m.conversation AND p.thread = n.thread LIMIT 1) p ON true
        LEFT JOIN LATERAL (SELECT r.seq FROM {unread}.thread_read r
                            WHERE r.user_id = $1 AND r.conversation = m.conversation AND r.thread = n.thread LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT c.seq FROM {unread}.cleared c
                            WHERE c.user_id = $1 AND c.conversation = m.conversation LIMIT 1) c ON true
       WHERE n.seq > greatest(m.joined_seq, c.seq, p.own_seq, r.seq)
         AND (SELECT true FROM {unread}.void v WHERE v.conversation = m.conversation AND v.seq = n.seq LIMIT 1) IS NULL
         AND (SELECT true FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = m.conversation AND h.seq = n.seq LIMIT 1) IS NULL
         AND ({blocks_nobody}
              OR (SELECT true FROM {people}.tie t
                   WHERE t.user_id = $1 AND t.kind = 'blocked'
                     AND t.other_id = (SELECT s.sender FROM {history}.message s
                                        WHERE s.conversation = m.conversation AND s.seq = n.seq AND NOT s.main LIMIT 1)
                   LIMIT 1) IS NULL)) t
