INSERT INTO removed_attachment (attachment, owner, at, name, type, size, sha256, width, height, removed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now())
ON CONFLICT (attachment) DO UPDATE SET removed_at = excluded.removed_at, bare = false
