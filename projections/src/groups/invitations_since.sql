SELECT (SELECT count(*) FROM (SELECT FROM {groups}.invitation_sent s WHERE s.by_user = $1 AND s.at > $2 LIMIT $3) x) AS sent,
       (SELECT s.at FROM {groups}.invitation_sent s WHERE s.by_user = $1 AND s.at > $2
         ORDER BY s.at DESC OFFSET $3 - 1 LIMIT 1) AS first
