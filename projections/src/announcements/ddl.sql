-- What was announced, and what has become of it. `at` is when it was made for.
CREATE TABLE {schema}.announcement (
    stream       uuid NOT NULL,
    announcement uuid NOT NULL,
    by_user      uuid NOT NULL,
    text         text NOT NULL,
    made_at      timestamptz NOT NULL,
    at           timestamptz NOT NULL,
    published_at timestamptz,
    cancelled_at timestamptz,
    cancelled_by uuid,
    PRIMARY KEY (stream, announcement)
) WITH (fillfactor = 70);

-- Who was told it by which notice, and whether they have read up to there.
CREATE TABLE {schema}.announced (
    user_id      uuid NOT NULL,
    seq          bigint NOT NULL,
    announcement uuid NOT NULL,
    read         boolean NOT NULL,
    PRIMARY KEY (user_id, seq)
) WITH (fillfactor = 70);
