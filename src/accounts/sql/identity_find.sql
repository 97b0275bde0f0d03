SELECT a.id, a.username, a.display_name, a.roles, a.announced_at IS NOT NULL,
       a.suspended_at IS NOT NULL AND a.deleted_at IS NULL, a.deleted_at IS NOT NULL
  FROM identity i JOIN account a ON a.id = i.account WHERE i.issuer = $1 AND i.subject = $2
