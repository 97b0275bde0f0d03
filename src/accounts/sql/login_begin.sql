SELECT o_locked_ms, o_id, o_username, o_display_name, o_password_hash, o_roles, o_announced, o_suspended
  FROM login_begin($1, $2, $3, $4, $5, $6)
