-- What the viewer has not read of what mentions them, by conversation. Each is counted from its own place on.
SELECT k.conversation,
       (SELECT count(*) FROM {unread}.mention n
         WHERE n.user_id = $1 AND n.conversation = k.conversation AND n.seq > coalesce(r.read_seq, 0)) AS mentions
  FROM unnest($2::uuid[]) k(conversation)
  LEFT JOIN LATERAL (SELECT r.read_seq FROM {unread}.reader r
                      WHERE r.user_id = $1 AND r.conversation = k.conversation LIMIT 1) r ON true
