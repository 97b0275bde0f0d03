CREATE INDEX IF NOT EXISTS invitation_user ON {schema}.invitation (user_id, conversation);
CREATE INDEX IF NOT EXISTS request_user ON {schema}.request (user_id, conversation);
CREATE INDEX IF NOT EXISTS invitation_sent_by ON {schema}.invitation_sent (by_user, at);
