-- Replies behind what the viewer has read, sent or cleared, and from before they came none. At most 2,000 are looked at for those of people whom
-- the viewer blocks.
SELECT k.conversation, k.root, coalesce(f.follows, p.own_seq IS NOT NULL) AS following, y.unread
  FROM unnest($2::uuid[], $3::uuid[]) k(conversation, root)
 CROSS JOIN LATERAL (SELECT m.joined_seq FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.user_id = $1 AND m.left_seq IS NULL LIMIT 1) m
  LEFT JOIN LATERAL (SELECT c.seq FROM {unread}.cleared c
                      WHERE c.user_id = $1 AND c.conversation = k.conversation LIMIT 1) e ON true
  LEFT JOIN LATERAL (SELECT p.own_seq FROM {unread}.thread_part p
                      WHERE p.user_id = $1 AND p.conversation = k.conversation AND p.thread = k.root LIMIT 1) p ON true
  LEFT JOIN LATERAL (SELECT r.seq FROM {unread}.thread_read r
                      WHERE r.user_id = $1 AND r.conversation = k.conversation AND r.thread = k.root LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT f.follows FROM {unread}.thread_follow f
                      WHERE f.user_id = $1 AND f.conversation = k.conversation AND f.thread = k.root LIMIT 1) f ON true
 CROSS JOIN LATERAL (SELECT count(*) AS unread
                       FROM (SELECT
                               FROM (SELECT y.sender FROM {history}.reply y
                                      WHERE y.conversation = k.conversation AND y.root = k.root
                                        AND y.seq > greatest(m.joined_seq, e.seq, p.own_seq, r.seq) AND NOT y.recalled AND y.sender <> $1
                                        AND (SELECT true FROM {unread}.void v WHERE v.conversation = y.conversation AND v.seq = y.seq LIMIT 1) IS NULL
                                        AND (SELECT true FROM {unread}.hidden h WHERE h.user_id = $1
                                                           AND h.conversation = y.conversation AND h.seq = y.seq LIMIT 1) IS NULL LIMIT 2000) y
                              WHERE {blocks_nobody}
                                 OR (SELECT true FROM {people}.tie t
                                      WHERE t.user_id = $1 AND t.kind = 'blocked' AND t.other_id = y.sender LIMIT 1) IS NULL
                              LIMIT 1000) y) y
