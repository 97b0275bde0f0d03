-- What somebody shows beside the name, since they have shown something. Nothing told is an empty text.
CREATE TABLE {schema}.profile (
    user_id uuid PRIMARY KEY,
    about   text NOT NULL,
    avatar  uuid
) WITH (fillfactor = 70);

-- The names that somebody was shown under, each from an event of theirs on.
CREATE TABLE {schema}.name (
    user_id      uuid NOT NULL,
    seq          bigint NOT NULL,
    display_name text NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (user_id, seq)
);

-- What somebody wants, since they have said something. What is null they have not.
CREATE TABLE {schema}.setting (
    user_id   uuid PRIMARY KEY,
    receipts  boolean,
    last_seen text,
    direct    text,
    add_me    text
) WITH (fillfactor = 70);

-- What people are to one another, a row for each of the two who is to see it: contacts, requests that were sent and received, blocks, and when
-- somebody has asked whom last.
CREATE TABLE {schema}.tie (
    user_id  uuid NOT NULL,
    kind     text NOT NULL,
    other_id uuid NOT NULL,
    pair     uuid NOT NULL,
    at       timestamptz NOT NULL,
    text     text,
    PRIMARY KEY (user_id, kind, other_id)
);

-- What was reported. A row belongs to the stream of its message's reports; `pos` is where it stands in that one's lane.
CREATE TABLE {schema}.report (
    report        uuid PRIMARY KEY,
    reports       uuid NOT NULL,
    conversation  uuid NOT NULL,
    message       uuid NOT NULL,
    sender        uuid NOT NULL,
    reporter      uuid NOT NULL,
    reason        text NOT NULL,
    note          text,
    pos           bigint NOT NULL,
    filed_at      timestamptz NOT NULL,
    versions      bigint NOT NULL,
    state         text NOT NULL,
    action        text,
    handled_by    uuid,
    handled_at    timestamptz,
    handling_note text
);

-- Each time that somebody has reported a message, also those that a later one has taken the place of in `report`.
CREATE TABLE {schema}.filing (
    reports  uuid NOT NULL,
    pos      bigint NOT NULL,
    reporter uuid NOT NULL,
    filed_at timestamptz NOT NULL,
    PRIMARY KEY (reports, pos)
);
