-- What mentions a member m by name in the main timeline, behind what they have read or sent there: of the
-- last 10,000.
 CROSS JOIN LATERAL (
      SELECT count(*) AS mentions
        FROM (SELECT n.seq, n.main FROM {unread}.mention n
               WHERE n.user_id = $1 AND n.conversation = m.conversation AND n.seq > coalesce(greatest(r.seq, o.seq), 0)
               ORDER BY n.seq DESC LIMIT 10000) n
       WHERE n.main
         AND (SELECT true FROM {unread}.void v WHERE v.conversation = m.conversation AND v.seq = n.seq LIMIT 1) IS NULL
         AND (SELECT true FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = m.conversation AND h.seq = n.seq LIMIT 1) IS NULL
         AND ({blocks_nobody}
              OR (SELECT true FROM {people}.tie t
                   WHERE t.user_id = $1 AND t.kind = 'blocked'
                     AND t.other_id = (SELECT s.sender FROM {history}.message s
                                        WHERE s.conversation = m.conversation AND s.seq = n.seq AND s.main LIMIT 1)
                   LIMIT 1) IS NULL)) n
