SELECT coalesce(sum(size), 0)::bigint FROM upload WHERE user_id = $1 AND NOT stored
