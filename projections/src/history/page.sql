SELECT k.number,
       $3::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.message e WHERE e.conversation = k.conversation
                                          AND e.seq > k.floor AND e.seq <= $3) AS earlier,
       $4::bigint IS NOT NULL AND EXISTS (SELECT FROM {history}.message l WHERE l.conversation = k.conversation
                                          AND l.seq > k.floor AND l.seq >= $4) AS later,
       m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions,
       m.edited_at, m.recalled_at
  FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY k(conversation, floor, number)
  LEFT JOIN LATERAL (SELECT * FROM {history}.message h
                      WHERE h.conversation = k.conversation AND h.seq > greatest(k.floor, $3)
                        AND h.seq < coalesce($4, 9223372036854775807)
                      ORDER BY h.seq {direction} LIMIT $5) m ON true
 ORDER BY k.number, m.seq {direction}
