-- A rollback is told as a rebuild is: the tables that the last one has replaced are brought up to date and put in place again.
ALTER TABLE rebuild ADD COLUMN is_rollback boolean NOT NULL DEFAULT false;
