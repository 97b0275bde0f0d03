SELECT u.id, u.size FROM upload u
 WHERE u.user_id = $1 AND NOT u.stored AND u.expires_at > now() AND u.turn < (SELECT o.turn FROM upload o WHERE o.id = $2)
