-- Messages that are there, by when they were sent: a table for each month, made by the fold that comes to it first.
CREATE TABLE {schema}.entry (
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    at           timestamptz NOT NULL,
    message      uuid NOT NULL,
    lexemes      tsvector NOT NULL,
    PRIMARY KEY (conversation, seq, at)
) PARTITION BY RANGE (at);
