SELECT least(coalesce(sum(size), 0), 9223372036854775807)::bigint, count(*) FROM upload WHERE user_id = $1 AND NOT stored AND id <> $2
