-- States of streams as those who fold them keep them, so that a long stream need not be folded from its first event. Copies: without
-- them nothing is lost but time. One belongs to the time line that it was folded on, for after a log has gone back other events may
-- have its seqs.
CREATE TABLE stream_state (
    lane   smallint NOT NULL,
    stream uuid NOT NULL,
    -- The last control event that is folded in.
    seq    bigint NOT NULL,
    -- Names the form of the state and what is folded.
    form   smallint NOT NULL,
    epoch  int NOT NULL,
    state  bytea NOT NULL,
    PRIMARY KEY (lane, stream)
);
-- Ids do not get smaller by compression.
ALTER TABLE stream_state ALTER COLUMN state SET STORAGE EXTERNAL;
