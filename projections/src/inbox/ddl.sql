-- The lanes of users and of conversations come in any order. So each has columns of its own, which only its events move,
-- and what readers want is computed from both:
--   sent_*, lapsed_from        moved by deliveries and expiries on the user's stream
--   joined_*, begun_*, owed_*  moved by coming and going, on the conversation's stream
-- Who was there at the conversation's beginning and never left has no joined_* but 0, and no row before the first delivery.
CREATE TABLE {schema}.cursor (
    user_id          uuid NOT NULL,
    conversation     uuid NOT NULL,
    sent_seq         bigint NOT NULL,
    sent_msg_no      bigint NOT NULL,
    -- The last event before the latest joining.
    joined_seq       bigint NOT NULL,
    joined_msg_no    bigint NOT NULL,
    -- The last event before the first joining.
    begun_seq        bigint,
    begun_msg_no     bigint,
    -- The latest leaving, and the last one before the latest joining. Coming back drops nothing that was owed by then.
    left_seq         bigint,
    owed_seq         bigint,
    delivered_seq    bigint NOT NULL GENERATED ALWAYS AS
        (greatest(sent_seq, CASE WHEN owed_seq > sent_seq THEN coalesce(begun_seq, 0) ELSE joined_seq END)) STORED,
    delivered_msg_no bigint NOT NULL GENERATED ALWAYS AS
        (greatest(sent_msg_no, CASE WHEN owed_seq > sent_seq THEN coalesce(begun_msg_no, 0) ELSE joined_msg_no END)) STORED,
    expired_from     bigint GENERATED ALWAYS AS
        (CASE WHEN lapsed_from IS NOT NULL THEN greatest(lapsed_from, coalesce(begun_seq, 0) + 1) END) STORED,
    lapsed_from      bigint,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);
