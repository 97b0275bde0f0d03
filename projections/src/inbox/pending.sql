-- A page of memberships by key, each with how many messages were delivered where some are not.
SELECT m.user_id, m.conversation,
       CASE WHEN m.left_seq IS NULL AND c.last_msg_no > coalesce(k.delivered_msg_no, 0)
            THEN coalesce(k.delivered_msg_no, 0) END AS delivered
  FROM (SELECT m.user_id, m.conversation, m.left_seq FROM {conversations}.member m
         WHERE (m.user_id, m.conversation) > ($1, $2) ORDER BY m.user_id, m.conversation LIMIT $3) m
  LEFT JOIN LATERAL (SELECT c.last_msg_no FROM {conversations}.conversation c
                      WHERE c.conversation = m.conversation LIMIT 1) c ON true
{delivery_cursor}
 ORDER BY m.user_id, m.conversation
