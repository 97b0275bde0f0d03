SELECT u.bytes, u.files FROM {attachments}.usage u WHERE u.owner = $1
