-- What a member m saw by memberships that have ended and does not see by the latest, of the newest hundred: where each began and ended.
 CROSS JOIN LATERAL
     (SELECT array_agg(s.from_seq ORDER BY s.to_seq) AS stay_starts, array_agg(s.to_seq ORDER BY s.to_seq) AS stay_ends
        FROM (SELECT s.from_seq, s.to_seq FROM {conversations}.stay s
               WHERE m.visible_from > 1 AND s.conversation = m.conversation AND s.user_id = m.user_id AND s.to_seq < m.joined_seq
                 AND s.from_seq < m.visible_from
               ORDER BY s.to_seq DESC LIMIT 100) s) earlier
