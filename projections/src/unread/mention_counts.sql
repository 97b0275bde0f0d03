-- What the viewer has not read of what mentions them, by conversation. Each is counted from its own place on.
SELECT k.conversation,
       (SELECT count(*) FROM {unread}.mention n
         WHERE n.user_id = $1 AND n.conversation = k.conversation AND n.seq > coalesce(greatest(r.seq, o.seq), 0)
           AND NOT EXISTS (SELECT FROM {unread}.void v WHERE v.conversation = n.conversation AND v.seq = n.seq)
           AND NOT EXISTS (SELECT FROM {unread}.hidden h WHERE h.user_id = $1 AND h.conversation = n.conversation AND h.seq = n.seq)) AS mentions
  FROM unnest($2::uuid[]) k(conversation)
  LEFT JOIN LATERAL (SELECT r.seq FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = k.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = k.conversation LIMIT 1) o ON true
