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

-- What an edited message has said: the text that it was sent with, and that of each edit, by the seq of the event that brought it.
CREATE TABLE {schema}.edit (
    conversation uuid NOT NULL,
    message_seq  bigint NOT NULL,
    seq          bigint NOT NULL,
    at           timestamptz NOT NULL,
    text         text,
    PRIMARY KEY (conversation, message_seq, seq)
);

CREATE TABLE {schema}.reaction (
    conversation uuid NOT NULL,
    message_seq  bigint NOT NULL,
    emoji        text COLLATE "C" NOT NULL,
    user_id      uuid NOT NULL,
    seq          bigint NOT NULL,
    PRIMARY KEY (conversation, message_seq, emoji, user_id)
);

-- Messages that are pinned, by the seq of the event that pinned each.
CREATE TABLE {schema}.pin (
    conversation uuid NOT NULL,
    message_seq  bigint NOT NULL,
    seq          bigint NOT NULL,
    PRIMARY KEY (conversation, message_seq)
);
