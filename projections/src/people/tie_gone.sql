DELETE FROM {schema}.tie t
 USING unnest($1::uuid[], $2::text[], $3::uuid[]) u(user_id, kind, other_id)
 WHERE t.user_id = u.user_id AND t.kind = u.kind AND t.other_id = u.other_id
