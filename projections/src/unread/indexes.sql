CREATE INDEX IF NOT EXISTS void_msg_no ON {schema}.void (conversation, msg_no);
CREATE INDEX IF NOT EXISTS void_withheld ON {schema}.void (conversation, seq) WHERE withheld;
CREATE INDEX IF NOT EXISTS mention_alone ON {schema}.mention (user_id, conversation, seq) WHERE NOT main;
CREATE INDEX IF NOT EXISTS everyone_alone ON {schema}.everyone (conversation, seq) WHERE NOT main;
