CREATE TABLE {schema}.reader (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    read_seq     bigint NOT NULL,
    read_msg_no  bigint NOT NULL,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);

CREATE TABLE {schema}.mention (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    PRIMARY KEY (user_id, conversation, seq)
);
