-- What mentions a member m by name in the main timeline, behind what they have read or sent there.
 CROSS JOIN LATERAL (SELECT count(*) AS mentions FROM {unread}.mention n
                      WHERE n.user_id = $1 AND n.conversation = m.conversation AND n.main AND n.seq > coalesce(greatest(r.seq, o.seq), 0)
                        AND NOT EXISTS (SELECT FROM {unread}.void v WHERE v.conversation = n.conversation AND v.seq = n.seq)
                        AND NOT EXISTS (SELECT FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = n.conversation AND h.seq = n.seq)
                        AND ({blocks_nobody}
                             OR (SELECT true FROM {people}.tie t
                                  WHERE t.user_id = $1 AND t.kind = 'blocked'
                                    AND t.other_id = (SELECT s.sender FROM {history}.message s
                                                       WHERE s.conversation = n.conversation AND s.seq = n.seq AND s.main LIMIT 1)
                                  LIMIT 1) IS NULL)) n
