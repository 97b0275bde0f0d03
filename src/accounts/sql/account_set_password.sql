SELECT account_set_password($1, $2, $3, $4, $5, $6)
