-- A message's id is the id of the command that sent it. What the main timeline shows lies apart from what stands in threads alone, so
-- that a page of it reads no more than its own rows, however much was said in threads.
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
    everyone     boolean NOT NULL DEFAULT false,
    forwarded_sender       uuid,
    forwarded_at           timestamptz,
    forwarded_conversation uuid,
    forwarded_message      uuid,
    edited_at    timestamptz,
    recalled_at  timestamptz,
    -- The message that begins the thread in which it stands.
    thread       uuid,
    main         boolean NOT NULL DEFAULT true,
    PRIMARY KEY (conversation, seq, main)
) PARTITION BY LIST (main);
CREATE TABLE {schema}.message_main PARTITION OF {schema}.message FOR VALUES IN (true);
CREATE TABLE {schema}.message_thread PARTITION OF {schema}.message FOR VALUES IN (false);

-- What stands in threads, whether the main timeline shows it or not.
CREATE TABLE {schema}.reply (
    conversation uuid NOT NULL,
    root         uuid NOT NULL,
    seq          bigint NOT NULL,
    sender       uuid NOT NULL,
    recalled     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (conversation, root, seq)
);

-- A thread begins with its first reply, and stays. Replies that were recalled are not counted.
CREATE TABLE {schema}.thread (
    conversation uuid NOT NULL,
    root         uuid NOT NULL,
    replies      bigint NOT NULL,
    last_seq     bigint NOT NULL,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (conversation, root)
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
