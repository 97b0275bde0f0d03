-- Of a conversation whose events are aside nobody knows the members.
SELECT m.visible_from FROM {conversations}.member m
 WHERE m.conversation = $1 AND m.user_id = $2 AND m.left_seq IS NULL
   AND NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations'
                              AND a.version = {conversations_version} AND a.stream = $1)) LIMIT 1
