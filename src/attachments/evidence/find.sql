SELECT attachment, owner, at, name, type, size, sha256, width, height FROM removed_attachment WHERE attachment = $1
