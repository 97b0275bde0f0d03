-- Who was to have a message: members when it was sent, without its sender, also those who have left since. What stands in a thread is read as in
-- seen_by.sql. Each is probed for by key.
SELECT r.user_id, r.has_left, r.has_read, r.is_delivered FROM ({recipients_of}) r ORDER BY r.user_id
