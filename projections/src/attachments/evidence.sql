-- Whether each of these attachments is evidence of a report that is open. Nothing, while events are aside, or where the read model has not come to
-- these heads.
SELECT u.attachment, e.attachment IS NOT NULL AS is_evidence
  FROM unnest($1::uuid[]) u(attachment)
  LEFT JOIN LATERAL (SELECT e.attachment FROM {attachments}.evidence e WHERE e.attachment = u.attachment LIMIT 1) e ON true
 WHERE NOT (SELECT EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'attachments' AND p.version = {attachments_version}))
   AND {come_to_heads}
