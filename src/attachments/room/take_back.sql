SELECT upload_take_back($1, $2)
