-- Attachments that were removed: what they were, for an hour, and for as long as a report is open of a message that showed them. While there is a row
-- their bytes stay, for those who look at the report. For everybody else, who stored them included, they are gone, reported or not. `bare` are those
-- whose hour is over, and whose thumbnails are gone.
CREATE TABLE removed_attachment (
    attachment uuid PRIMARY KEY,
    owner      uuid NOT NULL,
    at         timestamptz NOT NULL,
    name       text NOT NULL,
    type       text NOT NULL,
    size       bigint NOT NULL,
    sha256     text COLLATE "C" NOT NULL,
    width      integer,
    height     integer,
    removed_at timestamptz NOT NULL,
    bare       boolean NOT NULL DEFAULT false
);
CREATE INDEX removed_attachment_bytes ON removed_attachment (sha256);
CREATE INDEX removed_attachment_age ON removed_attachment (removed_at, attachment);
