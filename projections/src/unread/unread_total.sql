-- As activity.sql counts, over all conversations of the viewer but those that are muted now. Of messages of people whom the viewer blocks, at
-- most 20,000 are looked at among all that are unread; where there are more, the total is an upper bound.
WITH mine AS MATERIALIZED (
    SELECT m.conversation, place.seq, c.last_msg_no - place.msg_no AS behind, greatest(c.last_msg_no - place.msg_no - v.recalled, 0) AS unread
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
     CROSS JOIN LATERAL (SELECT coalesce(greatest(r.seq, o.seq), 0) AS seq, coalesce(greatest(r.msg_no, o.msg_no), 0) AS msg_no) place
     WHERE m.user_id = $1 AND m.left_seq IS NULL AND c.last_msg_no > coalesce(greatest(r.msg_no, o.msg_no), 0)
       AND NOT EXISTS (SELECT FROM {unread}.muted s
                        WHERE s.user_id = $1 AND s.conversation = m.conversation AND (s.until IS NULL OR s.until > now()))
       AND (NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version}))
            OR NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations' AND a.version = {conversations_version} AND a.stream = m.conversation)))
)
SELECT greatest(coalesce((SELECT sum(w.unread) FROM mine w), 0)
                - CASE WHEN {blocks_nobody} THEN 0
                       ELSE (SELECT count(*)
                               FROM (SELECT s.conversation, s.seq, s.sender
                                       FROM mine place
                                      CROSS JOIN LATERAL
{messages_behind}
                                      WHERE place.behind <= 500
                                      LIMIT 20000) s
                              WHERE
{blocked_alone}
                            )
                  END, 0)::bigint AS total
