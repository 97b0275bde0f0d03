SELECT r.* FROM {people}.report r WHERE r.report = $2 AND r.sender <> $1
