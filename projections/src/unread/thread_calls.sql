-- What mentions everybody in threads alone, a member m among them, behind what they have read or sent in each, and not from before they
-- came: of the last 1,000.
 CROSS JOIN LATERAL (
      SELECT count(*) AS mentions
        FROM (SELECT e.seq, e.thread, e.sender FROM {unread}.everyone e
               WHERE e.conversation = m.conversation AND NOT e.main AND e.seq > m.joined_seq AND e.sender <> $1
               ORDER BY e.seq DESC LIMIT 1000) e
        LEFT JOIN LATERAL (SELECT p.own_seq FROM {unread}.thread_part p
                            WHERE p.user_id = $1 AND p.conversation = m.conversation AND p.thread = e.thread LIMIT 1) p ON true
        LEFT JOIN LATERAL (SELECT r.seq FROM {unread}.thread_read r
                            WHERE r.user_id = $1 AND r.conversation = m.conversation AND r.thread = e.thread LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT c.seq FROM {unread}.cleared c
                            WHERE c.user_id = $1 AND c.conversation = m.conversation LIMIT 1) c ON true
       WHERE e.seq > greatest(m.joined_seq, c.seq, p.own_seq, r.seq)
         AND (SELECT true FROM {unread}.void v WHERE v.conversation = m.conversation AND v.seq = e.seq LIMIT 1) IS NULL
         AND (SELECT true FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = m.conversation AND h.seq = e.seq LIMIT 1) IS NULL
         AND (SELECT true FROM {unread}.mention n
                          WHERE n.user_id = $1 AND n.conversation = m.conversation AND n.seq = e.seq LIMIT 1) IS NULL
         AND ({blocks_nobody}
              OR (SELECT true FROM {people}.tie t
                   WHERE t.user_id = $1 AND t.kind = 'blocked' AND t.other_id = e.sender LIMIT 1) IS NULL)) a
