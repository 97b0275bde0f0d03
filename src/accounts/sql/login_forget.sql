-- The row without an address counts those of all addresses.
DELETE FROM login_attempt WHERE key = $1 AND address IN ('', $2)
