-- The thread that was active last comes first, so what lies behind a place is older. What the viewer has cleared or does not see is not there.
SELECT k.number,
       $2::bigint IS NOT NULL AND (SELECT true FROM {history}.thread e WHERE e.conversation = k.conversation
                                          AND e.last_seq > k.floor AND e.last_seq >= $2 LIMIT 1) IS NOT NULL AS earlier,
       $3::bigint IS NOT NULL AND (SELECT true FROM {history}.thread l WHERE l.conversation = k.conversation
                                          AND l.last_seq > k.floor AND l.last_seq <= $3 LIMIT 1) IS NOT NULL AS later,
       t.conversation, t.root, {replies_seen} AS replies, t.last_seq, t.last_at
  FROM (SELECT u.conversation, u.number, $5::uuid AS viewer,
               coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $5 AND c.conversation = u.conversation), 0) AS floor
          FROM unnest($1::uuid[]) WITH ORDINALITY u(conversation, number) OFFSET 0) k
  LEFT JOIN LATERAL (SELECT * FROM {history}.thread x
                      WHERE x.conversation = k.conversation AND x.last_seq < coalesce($2::bigint, 9223372036854775807)
                        AND x.last_seq > greatest(k.floor, $3::bigint)
                      ORDER BY x.last_seq {direction} LIMIT $4) t ON true
 ORDER BY k.number, t.last_seq {direction}
