SELECT k.number,
       $3::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.edit e WHERE e.conversation = k.conversation
                                          AND e.message_seq = k.seq AND e.seq <= $3) AS earlier,
       $4::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.edit l WHERE l.conversation = k.conversation
                                          AND l.message_seq = k.seq AND l.seq >= $4) AS later,
       v.conversation, v.seq, v.at, v.text
  FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY k(conversation, seq, number)
  LEFT JOIN LATERAL (SELECT * FROM {history}.edit h
                      WHERE h.conversation = k.conversation AND h.message_seq = k.seq AND h.seq > coalesce($3::bigint, 0)
                        AND h.seq < coalesce($4::bigint, 9223372036854775807)
                      ORDER BY h.seq {direction} LIMIT $5) v ON true
 ORDER BY k.number, v.seq {direction}
