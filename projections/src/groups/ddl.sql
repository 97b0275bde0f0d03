-- Settings that were ever changed, by their names on the wire. The others are as they are in every group.
CREATE TABLE {schema}.group_setting (
    conversation uuid NOT NULL,
    name         text NOT NULL,
    value        text NOT NULL,
    PRIMARY KEY (conversation, name)
);

-- Mutes and bans that nobody has lifted, those that are over included.
CREATE TABLE {schema}.sanction (
    conversation uuid NOT NULL,
    kind         text NOT NULL,
    user_id      uuid NOT NULL,
    by_user      uuid NOT NULL,
    at           timestamptz NOT NULL,
    until        timestamptz,
    reason       text,
    PRIMARY KEY (conversation, kind, user_id)
);

-- Links that nobody has revoked, those that are over or used up included.
CREATE TABLE {schema}.link (
    conversation uuid NOT NULL,
    link         uuid NOT NULL,
    by_user      uuid NOT NULL,
    at           timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    uses         bigint,
    used         bigint NOT NULL,
    PRIMARY KEY (conversation, link)
);

-- Those who ask to be let in, those whose time is over included.
CREATE TABLE {schema}.request (
    conversation uuid NOT NULL,
    user_id      uuid NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (conversation, user_id)
);

-- Those who are invited and have not answered, by each who has invited them, those whose time is over included.
CREATE TABLE {schema}.invitation (
    conversation uuid NOT NULL,
    user_id      uuid NOT NULL,
    by_user      uuid NOT NULL,
    at           timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    PRIMARY KEY (conversation, user_id, by_user)
);

-- When somebody has invited whom last, whatever has become of it.
CREATE TABLE {schema}.invitation_sent (
    conversation uuid NOT NULL,
    by_user      uuid NOT NULL,
    user_id      uuid NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (conversation, by_user, user_id)
);

-- Invitations that have no answer, as those see them who were told: rows of their own streams.
CREATE TABLE {schema}.invited (
    user_id      uuid NOT NULL,
    conversation uuid NOT NULL,
    name         text NOT NULL,
    by_user      uuid NOT NULL,
    at           timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    PRIMARY KEY (user_id, conversation, by_user)
);
