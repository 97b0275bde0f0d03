CREATE TABLE {schema}.person (
    user_id       uuid PRIMARY KEY,
    username      text NOT NULL,
    display_name  text NOT NULL,
    registered_at timestamptz NOT NULL
);

-- Only the key is indexed, so that moving the last_* columns is a HOT update.
CREATE TABLE {schema}.conversation (
    conversation     uuid PRIMARY KEY,
    kind             text NOT NULL,
    title            text,
    created_at       timestamptz NOT NULL,
    created_by       uuid NOT NULL,
    last_seq         bigint NOT NULL,
    last_msg_no      bigint NOT NULL,
    last_at          timestamptz NOT NULL,
    last_message     uuid,
    last_message_seq bigint,
    -- From where on those see it who come in now, and how many messages stand before; null where it is their joining.
    newcomers_from   bigint DEFAULT 1,
    newcomers_msg_no bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

CREATE TABLE {schema}.member (
    conversation  uuid NOT NULL,
    user_id       uuid NOT NULL,
    role          text NOT NULL,
    joined_seq    bigint NOT NULL,
    joined_msg_no bigint NOT NULL,
    joined_at     timestamptz NOT NULL,
    left_seq      bigint,
    -- The first seq that they see, and how many messages stand before it.
    visible_from  bigint NOT NULL DEFAULT 1,
    unseen_msg_no bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, user_id)
);

-- A membership that has ended: the first seq that they saw by it, and the leaving, the last. It is kept for when they come back.
CREATE TABLE {schema}.stay (
    conversation uuid NOT NULL,
    user_id      uuid NOT NULL,
    from_seq     bigint NOT NULL,
    to_seq       bigint NOT NULL,
    PRIMARY KEY (conversation, user_id, to_seq)
);
