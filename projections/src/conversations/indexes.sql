CREATE INDEX IF NOT EXISTS person_username ON {schema}.person (lower(username));
CREATE INDEX IF NOT EXISTS member_user ON {schema}.member (user_id, conversation);
