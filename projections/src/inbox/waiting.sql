-- As activity.sql, for the conversations whose last message the viewer has not been sent. What people say whom the viewer blocks is
-- taken off for those of the page alone, because a backlog may be of any size: where nothing else waits, the count is 0. What is owed from an
-- earlier membership comes by the socket, and is in no history that the viewer sees.
WITH mine AS (
    SELECT m.conversation, m.role, c.last_at, c.last_msg_no, coalesce(d.seq, 0) AS seq, coalesce(d.msg_no, 0) AS msg_no, v.recalled
      FROM {conversations}.member m
     CROSS JOIN LATERAL (SELECT c.last_at, c.last_msg_no FROM {conversations}.conversation c
                          WHERE c.conversation = m.conversation LIMIT 1) c
{delivery_cursor}
     CROSS JOIN LATERAL (SELECT greatest(k.delivered_seq, nullif(m.visible_from - 1, 0), max(x.seq)) AS seq,
                                greatest(k.delivered_msg_no, nullif(m.unseen_msg_no, 0), max(x.msg_no)) AS msg_no
                           FROM {unread}.cleared x WHERE x.user_id = $1 AND x.conversation = m.conversation) d
     CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM (SELECT FROM {unread}.void v
                       WHERE v.conversation = m.conversation AND v.msg_no > coalesce(d.msg_no, 0)
                         AND v.msg_no <= c.last_msg_no LIMIT 10000) v)
                  + (SELECT count(*) FROM (SELECT FROM {unread}.hidden h
                       WHERE h.user_id = $1 AND h.conversation = m.conversation AND h.seq > coalesce(d.seq, 0)
                         AND h.msg_no <= c.last_msg_no
                         AND NOT EXISTS (SELECT FROM {unread}.void w WHERE w.conversation = h.conversation AND w.msg_no = h.msg_no)
                       LIMIT 10000) h) AS recalled OFFSET 0) v
     WHERE m.user_id = $1 AND m.left_seq IS NULL AND c.last_msg_no > coalesce(d.msg_no, 0)
       AND c.last_msg_no > coalesce(d.msg_no, 0) + v.recalled
       AND (NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version}))
            OR NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version} AND a.stream = m.conversation)))
), page AS (
    SELECT * FROM mine
     WHERE ($2::timestamptz IS NULL OR (last_at, conversation) < ($2, $3::uuid))
       AND ($4::timestamptz IS NULL OR (last_at, conversation) > ($4, $5::uuid))
     ORDER BY last_at {direction}, conversation {direction}
     LIMIT $6
), counted AS (
    SELECT place.conversation, place.role, place.last_at, place.seq AS delivered_seq,
           greatest(place.last_msg_no - place.msg_no - place.recalled - b.messages, 0) AS pending_count
      FROM page place
     CROSS JOIN LATERAL (SELECT place.last_msg_no) c
{blocked_messages}
)
SELECT 1::bigint AS number, around.earlier, around.later, p.conversation, c.kind, c.title, c.created_at, c.last_seq, p.last_at, p.role,
       p.delivered_seq, p.pending_count,
       place.seq AS read_seq, greatest(c.last_msg_no - place.msg_no - v.recalled - b.messages, 0) AS unread_count
  FROM (SELECT $2 IS NOT NULL AND EXISTS (SELECT FROM mine WHERE (last_at, conversation) >= ($2, $3)) AS earlier,
               $4 IS NOT NULL AND EXISTS (SELECT FROM mine WHERE (last_at, conversation) <= ($4, $5)) AS later) around
  LEFT JOIN counted p ON true
  LEFT JOIN LATERAL (SELECT * FROM {conversations}.conversation c WHERE c.conversation = p.conversation LIMIT 1) c ON true
  LEFT JOIN LATERAL (SELECT r.seq, r.msg_no FROM {read_places} r
                      WHERE r.user_id = $1 AND r.conversation = p.conversation ORDER BY r.seq DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT o.seq, o.msg_no FROM {unread}.own_position o
                      WHERE o.user_id = $1 AND o.conversation = p.conversation LIMIT 1) o ON true
 CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM (SELECT FROM {unread}.void v
                       WHERE v.conversation = p.conversation AND v.msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
                         AND v.msg_no <= c.last_msg_no LIMIT 10000) v)
                  + (SELECT count(*) FROM (SELECT FROM {unread}.hidden h
                       WHERE h.user_id = $1 AND h.conversation = p.conversation AND h.seq > coalesce(greatest(r.seq, o.seq), 0)
                         AND h.msg_no <= c.last_msg_no
                         AND NOT EXISTS (SELECT FROM {unread}.void w WHERE w.conversation = h.conversation AND w.msg_no = h.msg_no)
                       LIMIT 10000) h) AS recalled OFFSET 0) v
 CROSS JOIN LATERAL (SELECT p.conversation, coalesce(greatest(r.seq, o.seq), 0) AS seq, coalesce(greatest(r.msg_no, o.msg_no), 0) AS msg_no) place
{blocked_messages}
 ORDER BY p.last_at {direction}, p.conversation {direction}
