-- The oldest attachments that were stored before a moment, behind a place, each with whether neither a message nor a person shows it. While events
-- are aside nobody knows that of any.
SELECT u.attachment, u.at, c.attachment IS NULL AND v.attachment IS NULL AS unclaimed
  FROM {attachments}.attachment u
  LEFT JOIN LATERAL (SELECT c.attachment FROM {attachments}.claim c WHERE c.attachment = u.attachment LIMIT 1) c ON true
  LEFT JOIN LATERAL (SELECT v.attachment FROM {attachments}.avatar v WHERE v.attachment = u.attachment LIMIT 1) v ON true
 WHERE (u.at, u.attachment) > ($1, $2) AND u.at < $3
   AND NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'attachments' AND p.version = {attachments_version}))
 ORDER BY u.at, u.attachment LIMIT $4
