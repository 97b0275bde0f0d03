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
    last_message_seq bigint
) WITH (fillfactor = 70);

CREATE TABLE {schema}.member (
    conversation  uuid NOT NULL,
    user_id       uuid NOT NULL,
    role          text NOT NULL,
    joined_seq    bigint NOT NULL,
    joined_msg_no bigint NOT NULL,
    joined_at     timestamptz NOT NULL,
    left_seq      bigint,
    PRIMARY KEY (conversation, user_id)
);
