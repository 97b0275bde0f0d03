SELECT FROM removed_attachment WHERE sha256 = $1 LIMIT 1
