-- A message's id is the id of the command that sent it.
CREATE TABLE {schema}.message (
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    message      uuid NOT NULL,
    msg_no       bigint NOT NULL,
    sender       uuid NOT NULL,
    at           timestamptz NOT NULL,
    kind         text NOT NULL,
    text         text,
    attachment   uuid,
    reply_to     uuid,
    mentions     uuid[] NOT NULL,
    edited_at    timestamptz,
    recalled_at  timestamptz,
    PRIMARY KEY (conversation, seq)
);
-- The message first: ids that grow with time, as most clients make them, go to one end of the index.
CREATE UNIQUE INDEX message_id ON {schema}.message (message, conversation);
