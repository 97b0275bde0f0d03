SELECT o_has_room, o_bytes, o_files, o_expires_at FROM upload_take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
