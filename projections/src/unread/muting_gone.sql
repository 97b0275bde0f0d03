-- What counts no more: all that came before the last change in front of the archiving, or before the last, where nothing is archived.
DELETE FROM {schema}.muting g
 USING unnest($1::uuid[], $2::uuid[]) u(user_id, conversation)
 WHERE g.user_id = u.user_id AND g.conversation = u.conversation
   AND g.no < (SELECT l.no FROM {schema}.muting l
                WHERE l.user_id = u.user_id AND l.conversation = u.conversation
                  AND l.no < coalesce((SELECT a.no FROM {schema}.archived a
                                        WHERE a.user_id = u.user_id AND a.conversation = u.conversation LIMIT 1), 9223372036854775807)
                ORDER BY l.no DESC LIMIT 1)
