-- Read models that were built, and were then found not to be what the log says. Nobody reads them, and nobody builds them again
-- unasked: a rebuild takes the refusal back.
CREATE TABLE projection_refused (
    projection text NOT NULL,
    version    int NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    reason     text NOT NULL,
    PRIMARY KEY (projection, version)
);
