SELECT (SELECT count(*) FROM (SELECT FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'contact' LIMIT $3) x) AS contacts,
       (SELECT count(*) FROM (SELECT FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'sent' LIMIT $4) x) AS requests,
       (SELECT count(*) FROM (SELECT FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'asked' AND t.at > $2 LIMIT $5) x) AS today,
       (SELECT t.at FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'asked' AND t.at > $2
         ORDER BY t.at DESC OFFSET $5 - 1 LIMIT 1) AS first,
       (SELECT count(*) FROM (SELECT FROM {people}.tie t WHERE t.user_id = $1 AND t.kind = 'blocked' LIMIT $6) x) AS blocks
