SELECT account_delete($1, $2, $3, $4)
