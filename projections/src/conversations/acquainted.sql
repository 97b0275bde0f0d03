-- Those of these people who are in a conversation with the viewer now. For each, the viewer's conversations are probed until one is
-- found. Of a conversation whose events are aside nobody knows the members.
SELECT k.id AS user_id
  FROM unnest($2::uuid[]) k(id)
 CROSS JOIN LATERAL (
      SELECT FROM {conversations}.member mine
       CROSS JOIN LATERAL (SELECT FROM {conversations}.member m
                            WHERE m.conversation = mine.conversation AND m.user_id = k.id AND m.left_seq IS NULL LIMIT 1) theirs
       WHERE mine.user_id = $1 AND mine.left_seq IS NULL
         AND NOT (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations'
                                    AND a.version = {conversations_version} AND a.stream = mine.conversation))
       LIMIT 1) shared
