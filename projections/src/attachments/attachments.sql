SELECT a.attachment, a.owner, a.at, a.name, a.type, a.size, a.sha256, a.width, a.height
  FROM unnest($1::uuid[]) k(attachment)
 CROSS JOIN LATERAL (SELECT * FROM {attachments}.attachment a WHERE a.attachment = k.attachment LIMIT 1) a
