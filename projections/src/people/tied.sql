-- Those with whom something stands between somebody and them, on either side, in the order of their ids from behind one of them. One may be
-- named several times. Whoever is a contact or was heard has a row for each of the two; who blocks, and who waits unheard, one alone.
SELECT t.user_id
  FROM (SELECT k.user_id
          FROM unnest(ARRAY['contact', 'sent', 'received', 'blocked']) u(kind)
         CROSS JOIN LATERAL (SELECT t.other_id AS user_id FROM {people}.tie t
                              WHERE t.user_id = $1 AND t.kind = u.kind AND t.other_id > $2 ORDER BY t.other_id LIMIT $3) k
        UNION ALL
        SELECT * FROM (SELECT b.user_id FROM {people}.tie b
                        WHERE b.other_id = $1 AND b.kind = 'blocked' AND b.user_id > $2 ORDER BY b.user_id LIMIT $3) blocking
        UNION ALL
        SELECT * FROM (SELECT s.user_id FROM {people}.tie s
                        WHERE s.other_id = $1 AND s.kind = 'sent' AND s.user_id > $2 ORDER BY s.user_id LIMIT $3) asking) t
 ORDER BY t.user_id LIMIT $3
