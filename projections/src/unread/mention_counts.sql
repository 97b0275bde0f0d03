-- What the viewer has not read of what mentions them, by conversation: by name, or as one of everybody, and once where both. Each is
-- counted from its own place on; what names them in threads alone from that of its thread. What people say whom the viewer blocks does not count.
SELECT m.conversation, n.mentions + t.mentions + e.mentions + a.mentions AS mentions
  FROM unnest($2::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT m.conversation, m.joined_seq FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.user_id = $1 AND m.left_seq IS NULL LIMIT 1) m
  LEFT JOIN LATERAL (SELECT r.seq FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = m.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = m.conversation LIMIT 1) o ON true
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
{thread_mentions}
{thread_calls}
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
