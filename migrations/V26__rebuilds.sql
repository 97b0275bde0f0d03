-- The latest rebuild of each read model that an administrator has ordered. The node that does it says here how far it is, and
-- looks here whether it is to be given up.
CREATE TABLE rebuild (
    projection text PRIMARY KEY,
    node       uuid NOT NULL,
    stage      text NOT NULL DEFAULT 'running',
    done       bigint NOT NULL DEFAULT 0,
    total      bigint NOT NULL DEFAULT 0,
    ordered_by uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    error      text,
    cancelled  boolean NOT NULL DEFAULT false
);
