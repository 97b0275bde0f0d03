UPDATE removed_attachment SET bare = true WHERE attachment = $1 AND removed_at < $2
