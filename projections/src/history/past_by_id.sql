-- What was sent behind the seq that is asked of, and what the viewer has hidden from themselves or does not see now, is not there.
SELECT k.upto, {past_columns}
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) k(conversation, message, upto)
 CROSS JOIN LATERAL (SELECT * FROM {history}.message m WHERE m.message = k.message AND m.conversation = k.conversation LIMIT 1) m
  {past_version}
 WHERE m.seq <= k.upto
   AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $4 AND x.conversation = m.conversation AND x.seq = m.seq LIMIT 1) IS NULL
   AND m.seq > coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $4 AND c.conversation = m.conversation), 0)
