-- Groups into which somebody is invited or asks to be let in, in the order of their ids from behind one of them. One may be named several times.
SELECT w.conversation
  FROM (SELECT * FROM (SELECT i.conversation FROM {groups}.invitation i
                        WHERE i.user_id = $1 AND i.conversation > $2 ORDER BY i.conversation LIMIT $3) invited
        UNION ALL
        SELECT * FROM (SELECT r.conversation FROM {groups}.request r
                        WHERE r.user_id = $1 AND r.conversation > $2 ORDER BY r.conversation LIMIT $3) asking) w
 ORDER BY w.conversation LIMIT $3
