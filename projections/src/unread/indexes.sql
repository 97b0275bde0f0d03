CREATE INDEX IF NOT EXISTS void_msg_no ON {schema}.void (conversation, msg_no);
