-- What mentions everybody in the main timeline, a member m among them, behind what they have read or sent there.
 CROSS JOIN LATERAL (SELECT count(*) AS mentions FROM (SELECT FROM {unread}.everyone e
                      WHERE e.conversation = m.conversation AND e.main AND e.seq > coalesce(greatest(r.seq, o.seq), 0) AND e.sender <> $1
                        AND NOT EXISTS (SELECT FROM {unread}.void v WHERE v.conversation = e.conversation AND v.seq = e.seq)
                        AND NOT EXISTS (SELECT FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = e.conversation AND h.seq = e.seq)
                        AND NOT EXISTS (SELECT FROM {unread}.mention n
                                         WHERE n.user_id = $1 AND n.conversation = e.conversation AND n.seq = e.seq)
                        AND ({blocks_nobody}
                             OR (SELECT true FROM {people}.tie t
                                  WHERE t.user_id = $1 AND t.kind = 'blocked' AND t.other_id = e.sender LIMIT 1) IS NULL)
                      LIMIT 10000) e) e
