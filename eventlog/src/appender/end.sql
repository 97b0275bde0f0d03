-- Ends sessions, waits some milliseconds for each, and answers those that are there still. A later session of the same number is somebody else's.
-- Step by step, so that nobody is ended who is not among them.
WITH found AS MATERIALIZED (
    SELECT a.pid
      FROM unnest($1::int[], $2::timestamptz[]) u(pid, begun)
      JOIN pg_stat_activity a ON a.pid = u.pid AND a.backend_start = u.begun),
ended AS MATERIALIZED (SELECT f.pid, pg_terminate_backend(f.pid, $3) AS gone FROM found f)
SELECT e.pid FROM ended e WHERE NOT e.gone
