-- The first that were removed before a moment, behind a place.
SELECT attachment, sha256, removed_at, bare FROM removed_attachment
 WHERE (removed_at, attachment) > ($1, $2) AND removed_at < $3
 ORDER BY removed_at, attachment LIMIT $4
