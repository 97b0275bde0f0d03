-- Messages behind a `place` of the main timeline that would count there, had not somebody sent them whom the viewer blocks now. Nothing is
-- looked at for those who block nobody, nor where more than 500 messages lie behind the place: the count is an upper bound then.
 CROSS JOIN LATERAL (
      SELECT CASE WHEN {blocks_nobody} OR c.last_msg_no - place.msg_no > 500 THEN 0
                  ELSE (SELECT count(*)
                          FROM
{messages_behind}
                         WHERE
{blocked_alone}
                       )
             END AS messages OFFSET 0) b
