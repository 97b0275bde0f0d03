-- The last message of each main timeline at or before a time. Times rise with seq, so it is found by halving, with one index
-- probe a step: everything up to low is early enough, and what is at high or behind it is not.
WITH RECURSIVE search(conversation, low, high, seq, msg_no) AS (
    SELECT u.conversation, 0::bigint, m.seq + 1, NULL::bigint, NULL::bigint
      FROM unnest($1::uuid[]) u(conversation)
     CROSS JOIN LATERAL (SELECT m.seq FROM {history}.message m WHERE m.conversation = u.conversation AND m.main
                          ORDER BY m.seq DESC LIMIT 1) m
    UNION ALL
    SELECT s.conversation,
           CASE WHEN m.at > $2 THEN s.low ELSE (s.low + s.high) / 2 END,
           CASE WHEN m.at > $2 THEN m.seq ELSE s.high END,
           CASE WHEN m.at <= $2 THEN m.seq ELSE s.seq END,
           CASE WHEN m.at <= $2 THEN m.msg_no ELSE s.msg_no END
      FROM search s
      LEFT JOIN LATERAL (SELECT m.seq, m.msg_no, m.at FROM {history}.message m
                          WHERE m.conversation = s.conversation AND m.main AND m.seq <= (s.low + s.high) / 2
                          ORDER BY m.seq DESC LIMIT 1) m ON true
     WHERE s.high - s.low > 1)
SELECT conversation, seq, msg_no FROM search WHERE high - low <= 1 AND seq IS NOT NULL
