CREATE INDEX IF NOT EXISTS tie_asked ON {schema}.tie (user_id, at) WHERE kind = 'asked';
CREATE INDEX IF NOT EXISTS tie_blocked ON {schema}.tie (other_id) WHERE kind = 'blocked';
CREATE INDEX IF NOT EXISTS tie_sent ON {schema}.tie (other_id) WHERE kind = 'sent';
CREATE INDEX IF NOT EXISTS report_state ON {schema}.report (state, filed_at, report);
CREATE INDEX IF NOT EXISTS filing_reporter ON {schema}.filing (reporter, filed_at);
