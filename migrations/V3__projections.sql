-- How far each read model has come. The read models themselves are not made here: each projection makes and rebuilds
-- its own schema.

-- A builder that works beside a live projection has rows of its own, under a name of its own.
CREATE TABLE projection_checkpoint (
    projection text NOT NULL,
    version    int NOT NULL,
    lane       smallint NOT NULL,
    pos        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (projection, version, lane)
) WITH (fillfactor = 20);

-- Events that a projection could not take, and the later ones of their streams, which must wait for them.
CREATE TABLE projection_parked (
    projection text NOT NULL,
    version    int NOT NULL,
    lane       smallint NOT NULL,
    pos        bigint NOT NULL,
    stream     uuid NOT NULL,
    error      text NOT NULL,
    attempts   int NOT NULL DEFAULT 1,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version, lane, pos)
);
