LEFT JOIN LATERAL (SELECT e.seq, e.at, e.text FROM {history}.edit e
                      WHERE m.edited_at IS NOT NULL AND e.conversation = m.conversation AND e.message_seq = m.seq AND e.seq <= k.upto
                      ORDER BY e.seq DESC LIMIT 1) v ON true
