-- What somebody has stored. Rows go when the files do.
CREATE TABLE {schema}.attachment (
    attachment uuid PRIMARY KEY,
    owner      uuid NOT NULL,
    at         timestamptz NOT NULL,
    name       text NOT NULL,
    type       text NOT NULL,
    size       bigint NOT NULL,
    sha256     text COLLATE "C" NOT NULL,
    width      integer,
    height     integer
);

-- How much of that there is.
CREATE TABLE {schema}.usage (
    owner uuid PRIMARY KEY,
    bytes bigint NOT NULL,
    files bigint NOT NULL
) WITH (fillfactor = 70);

-- The pictures by which people are shown to everybody.
CREATE TABLE {schema}.avatar (
    owner      uuid PRIMARY KEY,
    attachment uuid NOT NULL
);

-- Which messages show which attachments. Rows go when the messages are recalled.
CREATE TABLE {schema}.claim (
    conversation uuid NOT NULL,
    seq          bigint NOT NULL,
    attachment   uuid NOT NULL,
    PRIMARY KEY (conversation, seq)
);

-- What messages showed that were recalled.
CREATE TABLE {schema}.taken_back (
    conversation uuid NOT NULL,
    message      uuid NOT NULL,
    attachment   uuid NOT NULL,
    PRIMARY KEY (conversation, message)
);

-- Reports that are not settled, with the stream that they stand in. Rows go when they are.
CREATE TABLE {schema}.open_report (
    report       uuid PRIMARY KEY,
    reports      uuid NOT NULL,
    conversation uuid NOT NULL,
    message      uuid NOT NULL,
    UNIQUE (conversation, message, report)
);

-- What these are about, where a message showed it that was recalled: whoever looks at one looks at that. A conversation and its reports make a row
-- together, whichever of the two is folded first, so that an attachment is found by one probe, however often it was sent and recalled.
CREATE TABLE {schema}.evidence (
    report     uuid PRIMARY KEY,
    reports    uuid NOT NULL,
    attachment uuid NOT NULL
);
