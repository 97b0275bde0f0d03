INSERT INTO {schema}.thread_follow (user_id, conversation, thread, follows)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[]) u
ON CONFLICT (user_id, conversation, thread) DO UPDATE SET follows = excluded.follows
