-- Of a conversation whose events are aside nobody knows the members, so nothing is found in it; nor what the viewer does not see.
SELECT c.conversation, c.seq, c.message, c.at, coalesce(ts_rank_cd(c.lexemes, $9::text::tsquery), 0) AS rank
  FROM (SELECT e.*
          FROM {search}.entry e
         WHERE e.at >= $3::timestamptz AND e.at < $4::timestamptz
           AND ($2::text IS NULL OR e.lexemes @@ $2::text::tsquery)
           AND ($5::timestamptz IS NULL OR (e.at, e.conversation, e.seq) < ($5, $6::uuid, $7::bigint))
           AND EXISTS (SELECT FROM {conversations}.member m
                        WHERE m.conversation = e.conversation AND m.user_id = $1 AND m.left_seq IS NULL AND m.visible_from <= e.seq)
           AND NOT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations'
                              AND a.version = {conversations_version} AND a.stream = e.conversation)
         ORDER BY e.at DESC, e.conversation DESC, e.seq DESC
         LIMIT $8) c
 ORDER BY c.at DESC, c.conversation DESC, c.seq DESC
