-- How many of the recipients have a message, and have read it, among as many as are looked at.
SELECT count(*) AS looked_at, count(*) FILTER (WHERE r.is_delivered) AS delivered, count(*) FILTER (WHERE r.has_read) AS read
  FROM ({recipients_of}) r
