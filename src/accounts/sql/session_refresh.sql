SELECT o_outcome, o_account, o_session, o_roles, o_key FROM session_refresh($1, $2, $3, $4, $5)
