-- The secret that keys the fingerprints of commands, made here and never shown. Nobody who reads fingerprints can tell what was said,
-- or find two commands that share one. Fingerprints that were written before are compared with keyed ones from now on: a command
-- that is sent again after all that time counts as another one with the same id.
ALTER TABLE log_identity ADD COLUMN secret bytea NOT NULL
    DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
