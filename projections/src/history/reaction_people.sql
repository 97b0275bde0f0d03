SELECT k.number,
       $4::uuid IS NOT NULL AND EXISTS (SELECT FROM {history}.reaction e WHERE e.conversation = k.conversation
                                        AND e.message_seq = k.seq AND e.emoji = k.emoji AND e.user_id <= $4) AS earlier,
       $5::uuid IS NOT NULL AND EXISTS (SELECT FROM {history}.reaction l WHERE l.conversation = k.conversation
                                        AND l.message_seq = k.seq AND l.emoji = k.emoji AND l.user_id >= $5) AS later,
       r.user_id
  FROM unnest($1::uuid[], $2::bigint[], $3::text[]) WITH ORDINALITY k(conversation, seq, emoji, number)
  LEFT JOIN LATERAL (SELECT x.user_id FROM {history}.reaction x
                      WHERE x.conversation = k.conversation AND x.message_seq = k.seq AND x.emoji = k.emoji
                        AND x.user_id > coalesce($4::uuid, '00000000-0000-0000-0000-000000000000')
                        AND x.user_id < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                      ORDER BY x.user_id {direction} LIMIT $6) r ON true
 ORDER BY k.number, r.user_id {direction}
