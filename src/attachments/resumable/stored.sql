UPDATE upload SET stored = true, parts = '{}', ends = '{}' WHERE id = $1
