-- Tells sessions to end, and answers those that are there still. Step by step, so that nobody is ended who is not among them.
WITH found AS MATERIALIZED (
    -- A later session of the same number is somebody else's; where nobody says when it began, it may be one of them, and is let alone. One that has
    -- begun to write carries out what it was sent, and comes to its end by itself: ended while it commits, it would no longer wait for the standby that
    -- it has to wait for, and show what may be lost yet.
    -- One may begin to write between this look and the signal. What it has not committed by then is undone, and what it has committed is found by
    -- whoever looks once it is gone, so that no refusal is wrong. Only where all of its append and the beginning of its commit fit into that instant
    -- does it not wait for its standby: there is no signal on a condition, and to hold its lane meanwhile would be a write for each look.
    SELECT a.pid, a.backend_start = u.begun AND a.backend_xid IS NULL AS may_end
      FROM unnest($1::int[], $2::timestamptz[]) u(pid, begun)
      JOIN pg_stat_activity a ON a.pid = u.pid AND (a.backend_start = u.begun) IS NOT FALSE)
SELECT f.pid, CASE WHEN f.may_end THEN pg_terminate_backend(f.pid) END AS told FROM found f
