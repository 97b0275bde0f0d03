-- Another node may be about to remove it once more.
DELETE FROM removed_attachment WHERE attachment = $1 AND removed_at < $2
