DELETE FROM {schema}.sanction s
 USING unnest($1::uuid[], $2::text[], $3::uuid[]) u(conversation, kind, user_id)
 WHERE s.conversation = u.conversation AND s.kind = u.kind AND s.user_id = u.user_id
