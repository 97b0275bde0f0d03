-- Whether a message `s` does not count for this alone, that somebody sent it whom the viewer blocks.
      (SELECT true FROM {people}.tie t
        WHERE t.user_id = $1 AND t.kind = 'blocked' AND t.other_id = s.sender LIMIT 1) IS NOT NULL
  AND (SELECT true FROM {unread}.void w
        WHERE w.conversation = s.conversation AND w.seq = s.seq LIMIT 1) IS NULL
  AND (SELECT true FROM {unread}.hidden h
        WHERE h.user_id = $1 AND h.conversation = s.conversation AND h.seq = s.seq LIMIT 1) IS NULL
