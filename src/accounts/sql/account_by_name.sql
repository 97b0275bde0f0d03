SELECT id FROM account WHERE username_key = $1
