-- The lanes of users and of conversations come in any order. So each has columns of its own, which only its events move,
-- and what readers want is computed from both:
--   sent_*, lapsed_from   moved by deliveries and expiries on the user's stream
--   joined_*              moved by joining, on the conversation's stream
CREATE TABLE {schema}.cursor (
    user_id          uuid NOT NULL,
    conversation     uuid NOT NULL,
    sent_seq         bigint NOT NULL,
    sent_msg_no      bigint NOT NULL,
    joined_seq       bigint NOT NULL,
    joined_msg_no    bigint NOT NULL,
    lapsed_from      bigint,
    delivered_seq    bigint NOT NULL GENERATED ALWAYS AS (greatest(sent_seq, joined_seq)) STORED,
    delivered_msg_no bigint NOT NULL GENERATED ALWAYS AS (greatest(sent_msg_no, joined_msg_no)) STORED,
    -- What had expired before the user joined anew is no business of the new membership.
    expired_from     bigint GENERATED ALWAYS AS
        (CASE WHEN lapsed_from IS NOT NULL AND sent_seq > joined_seq THEN greatest(lapsed_from, joined_seq + 1) END) STORED,
    PRIMARY KEY (user_id, conversation)
) WITH (fillfactor = 70);
