-- Each form of kept states has copies of its own, so that programs of two versions beside each other, and one that is gone back to, find
-- theirs. Programs from before know one copy of a stream, whatever its form: they go on with those in stream_state itself. Later ones write
-- to the table below it, and all of them read both.
CREATE TABLE stream_state_form (PRIMARY KEY (lane, stream, form)) INHERITS (stream_state);
