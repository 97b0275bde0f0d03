-- Of a conversation whose events are aside nobody knows the members, so what it shows is not shown; nor is what stands
-- before what the viewer sees, nor what is withheld, of which nobody knows where `unread` has events aside. What few messages show is looked for in their conversations; what is sent on and on may be shown by very
-- many, and is looked for in the viewer's.
SELECT a.attachment, a.owner, a.at, a.name, a.type, a.size, a.sha256, a.width, a.height
  FROM {attachments}.attachment a
 WHERE a.attachment = $1
   AND (a.owner = $2
        OR EXISTS (SELECT FROM {attachments}.avatar v WHERE v.attachment = $1 LIMIT 1)
        OR EXISTS (SELECT FROM (SELECT c.conversation, c.seq FROM {attachments}.claim c WHERE c.attachment = $1 LIMIT 1000) c
                CROSS JOIN LATERAL (SELECT FROM {conversations}.member m
                                     WHERE m.conversation = c.conversation AND m.user_id = $2 AND m.left_seq IS NULL
                                        AND m.visible_from <= c.seq LIMIT 1) m
                WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'conversations'
                                             AND p.version = {conversations_version} AND p.stream = c.conversation))
                  AND NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'unread'
                                             AND p.version = {unread_version} AND p.stream = c.conversation))
                  AND (SELECT true FROM {unread}.void w
                        WHERE w.conversation = c.conversation AND w.seq = c.seq AND w.withheld LIMIT 1) IS NULL)
        OR (SELECT count(*) FROM (SELECT FROM {attachments}.claim c WHERE c.attachment = $1 LIMIT 1000) c) >= 1000
           AND EXISTS (SELECT FROM (SELECT m.conversation, m.visible_from FROM {conversations}.member m
                                     WHERE m.user_id = $2 AND m.left_seq IS NULL LIMIT 20000) m
                CROSS JOIN LATERAL (SELECT FROM {attachments}.claim c
                                     WHERE c.attachment = $1 AND c.conversation = m.conversation
                                        AND c.seq >= m.visible_from
                                        AND (SELECT true FROM {unread}.void w
                                              WHERE w.conversation = c.conversation AND w.seq = c.seq AND w.withheld LIMIT 1) IS NULL
                                      LIMIT 1) c
                WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'conversations'
                                             AND p.version = {conversations_version} AND p.stream = m.conversation))
                  AND NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'unread'
                                             AND p.version = {unread_version} AND p.stream = m.conversation))))
