SELECT username, password_hash, roles FROM account WHERE id = $1
