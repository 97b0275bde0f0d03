-- In the order asked. What was recalled by now, and what the viewer has hidden from themselves or does not see, is not there.
SELECT {past_columns}
  FROM (SELECT $1::uuid AS conversation, p.seq, p.number, $3::bigint AS upto
          FROM unnest($2::bigint[]) WITH ORDINALITY p(seq, number)) k
 CROSS JOIN LATERAL (SELECT * FROM {history}.message m WHERE m.conversation = k.conversation AND m.seq = k.seq LIMIT 1) m
  {past_version}
 WHERE m.recalled_at IS NULL
   AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = $4 AND x.conversation = m.conversation AND x.seq = m.seq LIMIT 1) IS NULL
   AND m.seq > coalesce((SELECT max(c.seq) FROM {floors} c WHERE c.user_id = $4 AND c.conversation = m.conversation), 0)
 ORDER BY k.number
