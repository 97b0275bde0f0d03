SELECT l.user_id, l.at FROM last_seen l WHERE l.user_id = ANY($1)
