-- What a crash of the database takes back here is a minute of what nobody counts on, so no flush is waited for. Nodes write the same people at
-- the same time, so all do so in one order.
WITH lazily AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO last_seen AS l (user_id, at)
SELECT u.user_id, u.at FROM lazily, unnest($1::uuid[], $2::timestamptz[]) u(user_id, at) ORDER BY u.user_id
ON CONFLICT (user_id) DO UPDATE SET at = greatest(l.at, excluded.at)
