-- The oldest attachments that were stored before a moment, behind a place, each with whether neither a message nor a person shows it. While events are
-- aside nobody knows that of any.
SELECT a.attachment, a.owner, a.at, a.size, a.sha256, c.attachment IS NULL AND v.attachment IS NULL AS unclaimed
  FROM {attachments}.attachment a
  LEFT JOIN LATERAL (SELECT c.attachment FROM {attachments}.claim c WHERE c.attachment = a.attachment LIMIT 1) c ON true
  LEFT JOIN LATERAL (SELECT v.attachment FROM {attachments}.avatar v WHERE v.attachment = a.attachment LIMIT 1) v ON true
 WHERE (a.at, a.attachment) > ($1, $2) AND a.at < $3
   AND NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'attachments' AND p.version = {attachments_version}))
 ORDER BY a.at, a.attachment LIMIT $4
