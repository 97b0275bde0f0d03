-- How far each reactor has come: consumers of the log that answer events with commands. What they cannot react to stands
-- aside; it keeps nothing else waiting.
CREATE TABLE reactor_checkpoint (
    reactor text NOT NULL,
    lane    smallint NOT NULL,
    pos     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (reactor, lane)
) WITH (fillfactor = 20);

CREATE TABLE reactor_parked (
    reactor   text NOT NULL,
    lane      smallint NOT NULL,
    pos       bigint NOT NULL,
    stream    uuid NOT NULL,
    error     text NOT NULL,
    attempts  int NOT NULL DEFAULT 1,
    parked_at timestamptz NOT NULL DEFAULT now(),
    -- It is to be tried again, which the reactor's owner does.
    again     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (reactor, lane, pos)
);
CREATE INDEX reactor_parked_again ON reactor_parked (reactor, lane, pos) WHERE again;
