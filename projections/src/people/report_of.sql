SELECT r.*,
       (SELECT true FROM {history}.message h
         WHERE h.message = r.message AND h.conversation = r.conversation
           AND (SELECT true FROM {unread}.void w
                 WHERE w.conversation = h.conversation AND w.seq = h.seq AND w.withheld LIMIT 1) LIMIT 1) IS NOT NULL AS withheld
  FROM {people}.report r WHERE r.report = $2 AND r.sender <> $1
