-- Of a conversation whose events are aside nobody knows the members, so what it shows is not shown.
SELECT a.attachment, a.owner, a.at, a.name, a.type, a.size, a.sha256, a.width, a.height
  FROM {attachments}.attachment a
 WHERE a.attachment = $1
   AND (a.owner = $2
        OR EXISTS (SELECT FROM (SELECT c.conversation FROM {attachments}.claim c WHERE c.attachment = $1 LIMIT 1000) c
                CROSS JOIN LATERAL (SELECT FROM {conversations}.member m
                                     WHERE m.conversation = c.conversation AND m.user_id = $2 AND m.left_seq IS NULL LIMIT 1) m
                WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'conversations'
                                             AND p.version = {conversations_version} AND p.stream = c.conversation))))
