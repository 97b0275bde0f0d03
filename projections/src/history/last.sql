-- Read from the history itself, which may be a little ahead of or behind what the conversation's row says. What the viewer has hidden from
-- themselves or does not see is not there.
SELECT {message_columns}
  FROM unnest($1::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT coalesce(max(c.seq), 0) AS floor FROM {floors} c
                      WHERE c.user_id = $2 AND c.conversation = k.conversation) f
 CROSS JOIN LATERAL (SELECT * FROM {history}.message h
                      WHERE h.conversation = k.conversation AND h.main AND h.seq > f.floor
                        AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $2
                                           AND x.conversation = h.conversation AND x.seq = h.seq LIMIT 1) IS NULL
                      ORDER BY h.seq DESC LIMIT 1) m
