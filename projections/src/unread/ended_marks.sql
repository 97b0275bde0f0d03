-- Of what somebody has marked as unread, where it has ended by itself: behind it they have sent something, come in again, or left.
SELECT u.conversation, x.seq
  FROM {unread}.marked u
  LEFT JOIN LATERAL (SELECT o.seq FROM {unread}.own_position o
                      WHERE o.user_id = $1::uuid AND o.conversation = u.conversation LIMIT 1) o ON true
  LEFT JOIN LATERAL (SELECT m.left_seq FROM {conversations}.member m
                      WHERE m.conversation = u.conversation AND m.user_id = $1::uuid LIMIT 1) m ON true
 CROSS JOIN LATERAL (SELECT greatest(o.seq, m.left_seq) AS seq) x
 WHERE u.user_id = $1::uuid AND x.seq > u.seq
 LIMIT 100
