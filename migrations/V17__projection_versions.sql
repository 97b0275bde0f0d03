-- Versions of a read model stand side by side, each in a schema of its own. One that has been built up to the end of the log stands
-- here from then on: it may be read. What is not here yet is being built, by the nodes that know it.
CREATE TABLE projection_version (
    projection text NOT NULL,
    version    int NOT NULL,
    live_since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, version)
);
INSERT INTO projection_version (projection, version)
SELECT DISTINCT c.projection, c.version FROM projection_checkpoint c
 WHERE c.projection IN ('conversations', 'history', 'inbox', 'unread');
