SELECT 1::bigint AS number,
       $3::timestamptz IS NOT NULL
           AND (SELECT true FROM unnest($1::text[]) w(state)
                 CROSS JOIN LATERAL (SELECT FROM {people}.report e
                                      WHERE e.state = w.state AND (e.filed_at, e.report) <= ($3, $4::uuid) AND e.sender <> $2::uuid
                                      LIMIT 1) x LIMIT 1) IS NOT NULL AS earlier,
       $5::timestamptz IS NOT NULL
           AND (SELECT true FROM unnest($1::text[]) w(state)
                 CROSS JOIN LATERAL (SELECT FROM {people}.report l
                                      WHERE l.state = w.state AND (l.filed_at, l.report) >= ($5, $6::uuid) AND l.sender <> $2
                                      LIMIT 1) x LIMIT 1) IS NOT NULL AS later,
       s.*,
       (SELECT true FROM {history}.message h
         WHERE h.message = s.message AND h.conversation = s.conversation
           AND (SELECT true FROM {unread}.void w
                 WHERE w.conversation = h.conversation AND w.seq = h.seq AND w.withheld LIMIT 1) LIMIT 1) IS NOT NULL AS withheld
  FROM (SELECT 1) one(row)
  LEFT JOIN LATERAL (
       SELECT r.* FROM unnest($1::text[]) w(state)
        CROSS JOIN LATERAL (
             SELECT a.* FROM {people}.report a
              WHERE a.state = w.state
                AND (a.filed_at, a.report) > (coalesce($3, timestamptz '-infinity'), coalesce($4, uuid '00000000-0000-0000-0000-000000000000'))
                AND (a.filed_at, a.report) < (coalesce($5, timestamptz 'infinity'), coalesce($6, uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                AND a.sender <> $2
              ORDER BY a.filed_at {direction}, a.report {direction} LIMIT $7) r
        ORDER BY r.filed_at {direction}, r.report {direction} LIMIT $7) s ON true
 ORDER BY s.filed_at {direction}, s.report {direction}
