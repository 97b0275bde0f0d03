-- As activity.sql counts, over all conversations of the viewer but those that are muted now.
SELECT coalesce(sum(greatest(c.last_msg_no - coalesce(greatest(r.msg_no, o.msg_no), 0) - v.recalled, 0)), 0)::bigint AS total
  FROM {conversations}.member m
 CROSS JOIN LATERAL (SELECT c.last_msg_no FROM {conversations}.conversation c WHERE c.conversation = m.conversation LIMIT 1) c
  LEFT JOIN LATERAL (SELECT r.seq, r.msg_no FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = m.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq, o.msg_no FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = m.conversation LIMIT 1) o ON true
 CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM (SELECT FROM {unread}.void v
                       WHERE v.conversation = m.conversation AND v.msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
                         AND v.msg_no <= c.last_msg_no LIMIT 10000) v)
                  + (SELECT count(*) FROM (SELECT FROM {unread}.hidden h
                       WHERE h.user_id = $1 AND h.conversation = m.conversation AND h.seq > coalesce(greatest(r.seq, o.seq), 0)
                         AND h.msg_no <= c.last_msg_no
                         AND NOT EXISTS (SELECT FROM {unread}.void w WHERE w.conversation = h.conversation AND w.msg_no = h.msg_no)
                       LIMIT 10000) h) AS recalled OFFSET 0) v
 WHERE m.user_id = $1 AND m.left_seq IS NULL AND c.last_msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
   AND NOT EXISTS (SELECT FROM {unread}.muted s
                    WHERE s.user_id = $1 AND s.conversation = m.conversation AND (s.until IS NULL OR s.until > now()))
   AND (NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version}))
        OR NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version} AND a.stream = m.conversation)))
