-- Messages behind a `place` of the main timeline that would count there, had not somebody sent them whom the viewer blocks now. Nothing is
-- looked at for those who block nobody, nor where more than 500 messages lie behind the place: the count is an upper bound then.
 CROSS JOIN LATERAL (
      SELECT CASE WHEN {blocks_nobody} OR c.last_msg_no - place.msg_no > 500 THEN 0
                  ELSE (SELECT count(*)
                          FROM (SELECT s.seq, s.sender FROM {history}.message s
                                 WHERE s.conversation = place.conversation AND s.main AND s.seq > place.seq
                                 ORDER BY s.seq LIMIT 500) s
                         WHERE (SELECT true FROM {people}.tie t
                                 WHERE t.user_id = $1 AND t.kind = 'blocked' AND t.other_id = s.sender LIMIT 1) IS NOT NULL
                           AND (SELECT true FROM {unread}.void w
                                 WHERE w.conversation = place.conversation AND w.seq = s.seq LIMIT 1) IS NULL
                           AND (SELECT true FROM {unread}.hidden h
                                 WHERE h.user_id = $1 AND h.conversation = place.conversation AND h.seq = s.seq LIMIT 1) IS NULL)
             END AS messages OFFSET 0) b
