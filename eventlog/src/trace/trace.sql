WITH subject AS MATERIALIZED (
    SELECT {columns of e} FROM event e
     WHERE e.lane = $1 AND e.command = $3 AND e.stream = $2 AND e.kind IN ({subjects}) LIMIT 1),
-- Control events have no index by what they are about; those behind the subject are looked at one by one.
controls AS MATERIALIZED (
    SELECT {columns of p}, p.payload, p.subject_seq
      FROM (SELECT s.seq AS subject_seq, c.*
              FROM subject s
             CROSS JOIN LATERAL (
                  SELECT c.lane, c.pos, c.stream, c.seq, c.kind, c.actor, c.at, c.command, c.payload FROM event c
                   WHERE c.lane = $1 AND c.stream = $2 AND c.control AND c.seq > s.seq ORDER BY c.seq LIMIT $5) c) p),
found AS (
    SELECT e.* FROM subject e
     UNION ALL
    SELECT a.* FROM subject s
     CROSS JOIN LATERAL (SELECT {columns of r} FROM event r WHERE {revisions} ORDER BY r.seq LIMIT $4) a
     UNION ALL
    SELECT a.* FROM subject s
     CROSS JOIN LATERAL (SELECT {columns of w} FROM event w WHERE {withdrawals} ORDER BY w.seq LIMIT $4) a
     UNION ALL
    SELECT a.* FROM subject s
     CROSS JOIN LATERAL (SELECT {columns of h} FROM event h WHERE {withholdings} ORDER BY h.seq LIMIT $4) a
     UNION ALL
    SELECT a.* FROM subject s
     CROSS JOIN LATERAL (SELECT {columns of m} FROM event m WHERE {marks} LIMIT $4) a
     UNION ALL
    SELECT {columns of p} FROM controls p WHERE p.kind = $6 AND log_subject(p.payload) = p.subject_seq)
SELECT {columns of e}, (SELECT count(*) FROM controls) >= $5 AS cut FROM found e ORDER BY e.seq
