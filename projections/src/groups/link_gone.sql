DELETE FROM {schema}.link l
 USING unnest($1::uuid[], $2::uuid[]) u(conversation, link)
 WHERE l.conversation = u.conversation AND l.link = u.link
