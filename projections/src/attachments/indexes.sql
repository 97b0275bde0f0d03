CREATE INDEX IF NOT EXISTS attachment_bytes ON {schema}.attachment (sha256);
CREATE INDEX IF NOT EXISTS attachment_age ON {schema}.attachment (at, attachment);
CREATE INDEX IF NOT EXISTS claim_attachment ON {schema}.claim (attachment, conversation);
CREATE INDEX IF NOT EXISTS avatar_attachment ON {schema}.avatar (attachment);
CREATE INDEX IF NOT EXISTS evidence_attachment ON {schema}.evidence (attachment);
