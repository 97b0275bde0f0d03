-- Files that come in parts, until they are stored or given up. `parts` name the objects that hold the bytes, `ends` say where in the file
-- each ends.
CREATE TABLE upload (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    name       text NOT NULL,
    media_type text,
    size       bigint NOT NULL,
    received   bigint NOT NULL DEFAULT 0,
    parts      uuid[] NOT NULL DEFAULT '{}',
    ends       bigint[] NOT NULL DEFAULT '{}',
    stored     boolean NOT NULL DEFAULT false,
    expires_at timestamptz NOT NULL
);
CREATE INDEX upload_user ON upload (user_id);
CREATE INDEX upload_expires_at ON upload (expires_at);
