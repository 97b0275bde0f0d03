-- The delivery cursor k of a member m. Nothing is known of one whose delivered_seq is null: nothing was sent, and they were there from the
-- beginning. Whoever is owed what came before an earlier leaving is owed all from the first joining on, but for what they never saw.
  LEFT JOIN LATERAL (SELECT d.* FROM {inbox}.delivered d
                      WHERE d.user_id = m.user_id AND d.conversation = m.conversation LIMIT 1) sent ON true
  LEFT JOIN LATERAL (SELECT s.* FROM {inbox}.membership s
                      WHERE s.user_id = m.user_id AND s.conversation = m.conversation LIMIT 1) stay ON true
 CROSS JOIN LATERAL
     (SELECT greatest(sent.seq, CASE WHEN stay.owed_seq > coalesce(sent.seq, 0) THEN stay.begun_seq ELSE stay.joined_seq END) AS delivered_seq,
             greatest(sent.msg_no, CASE WHEN stay.owed_seq > coalesce(sent.seq, 0) THEN stay.begun_msg_no ELSE stay.joined_msg_no END)
                 AS delivered_msg_no,
             CASE WHEN sent.lapsed_from IS NOT NULL THEN greatest(sent.lapsed_from, stay.begun_seq + 1) END AS expired_from,
             stay.begun_seq) k
