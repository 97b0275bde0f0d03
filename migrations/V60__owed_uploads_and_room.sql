-- When somebody has last gone about an upload in parts. Where all of it has come and it is not stored some time later, the clean-up stores it, those
-- first that were tried longest ago. Programs from before do not say so: theirs are tried once more than need be.
ALTER TABLE upload ADD COLUMN tried_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX upload_owed ON upload (tried_at) WHERE received = size AND NOT stored AND NOT whole;
