-- What somebody sees of a conversation. Of one whose events are aside nobody knows that.
SELECT p.parked, k.visible_from, k.stay_starts, k.stay_ends
  FROM (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'conversations'
                          AND a.version = {conversations_version} AND a.stream = $1) AS parked) p
  LEFT JOIN LATERAL
     (SELECT m.visible_from, earlier.stay_starts, earlier.stay_ends
        FROM (SELECT m.conversation, m.user_id, m.joined_seq, m.visible_from FROM {conversations}.member m
               WHERE m.conversation = $1 AND m.user_id = $2 LIMIT 1) m
{stays}
     ) k ON true
