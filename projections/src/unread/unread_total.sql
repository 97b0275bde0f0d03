-- As activity.sql counts, over all conversations of the viewer but those that are muted now.
SELECT coalesce(sum(greatest(c.last_msg_no - coalesce(greatest(r.msg_no, o.msg_no), 0) - v.recalled, 0)), 0)::bigint AS total
  FROM {conversations}.member m
 CROSS JOIN LATERAL (SELECT c.last_msg_no FROM {conversations}.conversation c WHERE c.conversation = m.conversation LIMIT 1) c
  LEFT JOIN LATERAL (SELECT r.msg_no FROM {unread}.read_position r
                      WHERE r.user_id = $1 AND r.conversation = m.conversation LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.msg_no FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = m.conversation LIMIT 1) o ON true
 CROSS JOIN LATERAL (SELECT count(*) AS recalled FROM (SELECT FROM {unread}.void v
                      WHERE v.conversation = m.conversation AND v.msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
                        AND v.msg_no <= c.last_msg_no LIMIT 10000) v) v
 WHERE m.user_id = $1 AND m.left_seq IS NULL AND c.last_msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
   AND NOT EXISTS (SELECT FROM {unread}.muted s
                    WHERE s.user_id = $1 AND s.conversation = m.conversation AND (s.until IS NULL OR s.until > now()))
   AND (NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version}))
        OR NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version} AND a.stream = m.conversation)))
