-- The checkpoint and what is put aside move together, unless somebody else has moved it.
WITH moved AS (
    UPDATE reactor_checkpoint SET pos = $4 WHERE reactor = $1 AND lane = $2 AND pos = $3 RETURNING lane
), aside AS (
    INSERT INTO reactor_parked (reactor, lane, pos, stream, error, again)
    SELECT $1, moved.lane, u.pos, u.stream, u.error, u.again
      FROM moved, unnest($5::bigint[], $6::uuid[], $7::text[], $8::boolean[]) u(pos, stream, error, again)
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM moved
