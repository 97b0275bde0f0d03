-- Of a conversation whose events are aside nobody knows the members, so it is not shown.
SELECT c.conversation, c.kind, c.title, c.created_at, c.last_seq, c.last_at, m.role, place.seq AS read_seq,
       greatest(c.last_msg_no - place.msg_no - v.recalled - b.messages, 0) AS unread_count
  FROM unnest($2::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT m.role FROM {conversations}.member m
                      WHERE m.conversation = k.conversation AND m.user_id = $1 AND m.left_seq IS NULL LIMIT 1) m
 CROSS JOIN LATERAL (SELECT * FROM {conversations}.conversation c WHERE c.conversation = k.conversation LIMIT 1) c
  LEFT JOIN LATERAL (SELECT r.seq, r.msg_no FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = k.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq, o.msg_no FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = k.conversation LIMIT 1) o ON true
 CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM (SELECT FROM {unread}.void v
                       WHERE v.conversation = k.conversation AND v.msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
                         AND v.msg_no <= c.last_msg_no LIMIT 10000) v)
                  + (SELECT count(*) FROM (SELECT FROM {unread}.hidden h
                       WHERE h.user_id = $1 AND h.conversation = k.conversation AND h.seq > coalesce(greatest(r.seq, o.seq), 0)
                         AND h.msg_no <= c.last_msg_no
                         AND NOT EXISTS (SELECT FROM {unread}.void w WHERE w.conversation = h.conversation AND w.msg_no = h.msg_no)
                       LIMIT 10000) h) AS recalled OFFSET 0) v
 CROSS JOIN LATERAL (SELECT k.conversation, coalesce(greatest(r.seq, o.seq), 0) AS seq, coalesce(greatest(r.msg_no, o.msg_no), 0) AS msg_no) place
{blocked_messages}
 WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version} AND a.stream = k.conversation))
