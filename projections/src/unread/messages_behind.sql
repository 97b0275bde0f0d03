-- The first messages of the main timeline behind a `place`.
      (SELECT s.conversation, s.seq, s.sender FROM {history}.message s
        WHERE s.conversation = place.conversation AND s.main AND s.seq > place.seq
        ORDER BY s.seq LIMIT 500) s
