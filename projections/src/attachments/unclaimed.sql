-- Whether neither a message nor a person shows each of these attachments. Nothing, while events are aside, or where the read model has not come to
-- these heads.
SELECT u.attachment, c.attachment IS NULL AND v.attachment IS NULL AS unclaimed
  FROM unnest($1::uuid[]) u(attachment)
  LEFT JOIN LATERAL (SELECT c.attachment FROM {attachments}.claim c WHERE c.attachment = u.attachment LIMIT 1) c ON true
  LEFT JOIN LATERAL (SELECT v.attachment FROM {attachments}.avatar v WHERE v.attachment = u.attachment LIMIT 1) v ON true
 WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'attachments' AND p.version = {attachments_version}))
   AND {come_to_heads}
