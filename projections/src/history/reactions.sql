SELECT k.conversation, k.message_seq, r.emoji, r.count, r.viewer_reacted
  FROM unnest($1::uuid[], $2::bigint[]) k(conversation, message_seq)
 CROSS JOIN LATERAL (SELECT x.emoji, count(*) AS count, bool_or(x.user_id = $3) AS viewer_reacted, min(x.seq) AS first
                       FROM {history}.reaction x
                      WHERE x.conversation = k.conversation AND x.message_seq = k.message_seq GROUP BY x.emoji) r
 ORDER BY k.conversation, k.message_seq, r.first
