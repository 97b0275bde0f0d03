-- How far somebody has read a conversation is the greatest of what two lanes say. Each has a table of its own, so that lanes never
-- meet: what was read is said on the user's stream, what was sent and when somebody joined on the conversation's.
CREATE TABLE {schema}.read_position (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);

CREATE TABLE {schema}.own_position (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);

CREATE TABLE {schema}.mention (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    -- The thread in which the message stands, and whether the main timeline shows it.
    thread       uuid,
    main         boolean NOT NULL DEFAULT true,
    PRIMARY KEY (user_id, conversation, seq)
);

-- Messages that mention everybody: one row for each, however many members there are. It counts for those who were in then, which is
-- where their positions begin, and not for the sender. The thread and `main` are as of a mention by name.
CREATE TABLE {schema}.everyone (
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    sender       uuid NOT NULL,
    thread       uuid,
    main         boolean NOT NULL DEFAULT true,
    PRIMARY KEY (conversation, seq)
);

-- Messages that count no more: one row for each that was recalled or is withheld for now, however many members there are. What stood in a thread
-- alone has the msg_no 0, which is in no count.
CREATE TABLE {schema}.void (
    conversation uuid NOT NULL,
    msg_no       bigint NOT NULL,
    seq          bigint NOT NULL,
    withheld     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (conversation, seq)
);

-- Who takes part in threads: whose message begins one, who has replied and who was mentioned by name. The seq is that of their last reply.
CREATE TABLE {schema}.thread_part (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    thread       uuid NOT NULL,
    own_seq      bigint NOT NULL,
    PRIMARY KEY (user_id, conversation, thread)
) WITH (fillfactor = 70);

-- How far somebody has read a thread, and whether they want to follow it: what the user's own stream says.
CREATE TABLE {schema}.thread_read (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    thread       uuid NOT NULL,
    seq          bigint NOT NULL,
    PRIMARY KEY (user_id, conversation, thread)
) WITH (fillfactor = 70);

CREATE TABLE {schema}.thread_follow (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    thread       uuid NOT NULL,
    follows      boolean NOT NULL,
    PRIMARY KEY (user_id, conversation, thread)
);

-- What somebody marks for themselves. A conversation is muted until a moment, or for ever.
CREATE TABLE {schema}.muted (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    until        timestamptz,
    PRIMARY KEY (user_id, conversation)
);

-- How it is muted from a seq of it on, by the seq of the notice: since it was archived, and the last one before. What is said while it is
-- muted brings it back as little as a change of that.
CREATE TABLE {schema}.muting (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    no           bigint NOT NULL,
    seq          bigint NOT NULL,
    is_on        boolean NOT NULL,
    until        timestamptz,
    PRIMARY KEY (user_id, conversation, no)
);

-- Where the conversation was when it was archived, and the seq of the notice. What comes behind that brings it back, see marks.sql.
CREATE TABLE {schema}.archived (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    no           bigint NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    PRIMARY KEY (user_id, conversation)
);

-- Where the conversation was when it was marked as unread.
CREATE TABLE {schema}.marked (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    PRIMARY KEY (user_id, conversation)
);

-- Messages that somebody hides from themselves. What is not counted as a message has no msg_no.
CREATE TABLE {schema}.hidden (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint,
    PRIMARY KEY (user_id, conversation, seq)
);

-- Up to where somebody has cleared a conversation for themselves. It counts as read, see read_places.sql, and is no read position: nobody else is told.
CREATE TABLE {schema}.cleared (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    PRIMARY KEY (user_id, conversation)
);
