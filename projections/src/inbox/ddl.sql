-- How far somebody has been sent a conversation is told by two lanes. Each has a table of its own, so that lanes never meet: deliveries and
-- expiries are on the user's stream, coming and going on the conversation's. cursor.sql makes one of both.
CREATE TABLE {schema}.delivered (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    msg_no       bigint NOT NULL,
    -- The first event that expired before it was sent; what expired ends at seq.
    lapsed_from  bigint,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);

-- Who was there at the conversation's beginning and never left has no row.
CREATE TABLE {schema}.membership (
    user_id       uuid NOT NULL,
    conversation  uuid NOT NULL,
    -- The last event before the latest joining.
    joined_seq    bigint NOT NULL,
    joined_msg_no bigint NOT NULL,
    -- The last event before the first joining.
    begun_seq     bigint NOT NULL,
    begun_msg_no  bigint NOT NULL,
    -- The latest leaving, and the last one before the latest joining. Coming back drops nothing that was owed by then.
    left_seq      bigint,
    owed_seq      bigint,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);
