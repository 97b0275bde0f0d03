-- The nodes that run: each says every few seconds that it is there, and takes out those that have said nothing for long.
CREATE TABLE node (
    id             uuid PRIMARY KEY,
    address        text NOT NULL,
    version        text NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT now(),
    seen_at        timestamptz NOT NULL DEFAULT now(),
    connections    bigint NOT NULL,
    resident_bytes bigint,
    draining       boolean NOT NULL
);
