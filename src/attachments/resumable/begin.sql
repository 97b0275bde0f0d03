SELECT o_has_room, o_expires_at FROM upload_begin($1, $2, $3, $4, $5, $6, $7, $8)
