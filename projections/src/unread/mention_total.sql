-- As mention_counts.sql counts, over all conversations of the viewer; of those that are muted, what mentions the viewer by name.
SELECT coalesce(sum(n.mentions + t.mentions + CASE WHEN x.muted THEN 0 ELSE e.mentions + a.mentions END), 0)::bigint AS total
  FROM {conversations}.member m
  LEFT JOIN LATERAL (SELECT r.seq FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = m.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = m.conversation LIMIT 1) o ON true
{main_mentions}
{thread_mentions}
{thread_calls}
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM {unread}.muted x WHERE x.user_id = $1 AND x.conversation = m.conversation
                                           AND (x.until IS NULL OR x.until > now())) AS muted) x
{main_calls}
 WHERE m.user_id = $1 AND m.left_seq IS NULL
   AND (NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version}))
        OR NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version} AND a.stream = m.conversation)))
