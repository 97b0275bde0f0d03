-- What mentions everybody in the main timeline, a member m among them, behind what they have read or sent there: of the
-- last 10,000.
 CROSS JOIN LATERAL (
      SELECT count(*) AS mentions
        FROM (SELECT e.seq, e.main, e.sender FROM {unread}.everyone e
               WHERE e.conversation = m.conversation AND e.seq > coalesce(greatest(r.seq, o.seq), 0)
               ORDER BY e.seq DESC LIMIT 10000) e
       WHERE e.main AND e.sender <> $1
         AND (SELECT true FROM {unread}.void v WHERE v.conversation = m.conversation AND v.seq = e.seq LIMIT 1) IS NULL
         AND (SELECT true FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = m.conversation AND h.seq = e.seq LIMIT 1) IS NULL
         AND (SELECT true FROM {unread}.mention n
                          WHERE n.user_id = $1 AND n.conversation = m.conversation AND n.seq = e.seq LIMIT 1) IS NULL
         AND ({blocks_nobody}
              OR (SELECT true FROM {people}.tie t
                   WHERE t.user_id = $1 AND t.kind = 'blocked' AND t.other_id = e.sender LIMIT 1) IS NULL)) e
