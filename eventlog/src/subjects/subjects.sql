WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[]) WITH ORDINALITY a(stream, command, actor, mark, i)),
-- Each once, however many ask about it.
subject AS MATERIALIZED (
    SELECT u.command, u.marked, s.*, (SELECT count(*) FROM event r WHERE {revisions}) AS revisions,
           coalesce(l.kind, s.kind) AS now_kind, coalesce(l.ver, s.ver) AS now_ver, coalesce(l.payload, s.payload) AS now_payload,
           EXISTS (SELECT FROM event w WHERE {withdrawals}) AS withdrawn,
           coalesce((SELECT {holds} FROM event w WHERE {withholdings}), false) AS withheld
      FROM (SELECT stream, command, bool_or(mark IS NOT NULL) AS marked FROM asked GROUP BY stream, command) u
     CROSS JOIN LATERAL (
          SELECT e.stream, e.pos, e.seq, e.msg_no, e.actor, e.at, e.kind, e.ver, e.payload FROM event e
           WHERE e.lane = $1 AND e.command = u.command AND e.stream = u.stream AND e.kind IN ({subjects}) LIMIT 1) s
      LEFT JOIN LATERAL (
          SELECT r.kind, r.ver, r.payload FROM event r WHERE {revisions} ORDER BY r.seq DESC LIMIT 1) l ON true),
used AS MATERIALIZED (
    SELECT s.stream, s.seq, s.pos, s.command, x.mark
      FROM subject s
     CROSS JOIN LATERAL (
          WITH RECURSIVE used(mark) AS (
              SELECT {first}
              UNION ALL
              SELECT {next} FROM used WHERE used.mark IS NOT NULL)
          SELECT mark FROM used WHERE mark IS NOT NULL LIMIT {most}) x
     WHERE s.marked),
wanted AS (
    SELECT stream, seq, pos, command, mark FROM used
    UNION
    SELECT s.stream, s.seq, s.pos, s.command, a.mark
      FROM asked a JOIN subject s ON s.stream = a.stream AND s.command = a.command WHERE a.mark IS NOT NULL),
-- From one person to the next by what they did last, until somebody has it on.
held AS MATERIALIZED (
    SELECT s.stream, s.command, s.mark
      FROM wanted s
     WHERE EXISTS (
          WITH RECURSIVE people(actor, held, looked_at) AS (
              (SELECT m.actor, log_mark_on(m.payload), 1 FROM event m
                WHERE {put} AND log_mark(m.payload) = s.mark ORDER BY m.actor DESC, m.seq DESC LIMIT 1)
              UNION ALL
              SELECT n.actor, n.held, people.looked_at + 1
                FROM people
               CROSS JOIN LATERAL (
                    SELECT m.actor, log_mark_on(m.payload) AS held FROM event m
                     WHERE {put} AND log_mark(m.payload) = s.mark AND m.actor < people.actor
                     ORDER BY m.actor DESC, m.seq DESC LIMIT 1) n
               WHERE NOT people.held AND people.looked_at < {people})
          SELECT FROM people WHERE people.held OR people.looked_at = {people})),
-- Who has put which of them on it ever; of a subject with few there is nothing to know.
asking AS MATERIALIZED (
    SELECT DISTINCT stream, command, actor FROM asked WHERE mark IS NOT NULL),
tried AS MATERIALIZED (
    SELECT s.stream, s.command, t.actor,
           (SELECT array_agg(u.mark) FROM used u
             WHERE u.stream = s.stream AND u.command = s.command
               AND (SELECT true FROM event m
                     WHERE {put} AND log_mark(m.payload) = u.mark AND m.actor = t.actor ORDER BY m.seq DESC LIMIT 1)) AS marks
      FROM asking t
      JOIN subject s ON s.stream = t.stream AND s.command = t.command
     WHERE (SELECT count(*) FROM used u WHERE u.stream = s.stream AND u.command = s.command) > {few})
SELECT a.i, s.stream, s.seq, s.msg_no, s.actor, s.at, s.revisions, s.now_kind, s.now_ver, s.now_payload, s.withdrawn,
       k.marks, k.mine, (SELECT count(*) FROM used x WHERE x.stream = s.stream AND x.command = s.command AND a.mark IS NOT NULL),
       (SELECT t.marks FROM tried t
         WHERE t.stream = a.stream AND t.command = a.command AND t.actor = a.actor AND a.mark IS NOT NULL), s.kind, s.withheld
  FROM asked a
  JOIN subject s ON s.stream = a.stream AND s.command = a.command
 CROSS JOIN LATERAL (
      SELECT array_agg(h.mark) AS marks,
             array_agg(coalesce((SELECT log_mark_on(m.payload) FROM event m
                                  WHERE {put} AND log_mark(m.payload) = h.mark AND m.actor = a.actor
                                  ORDER BY m.seq DESC LIMIT 1), false)) AS mine
        FROM held h
       WHERE h.stream = s.stream AND h.command = s.command AND a.mark IS NOT NULL
         AND (h.mark = a.mark OR EXISTS (SELECT FROM used x
                                          WHERE x.stream = s.stream AND x.command = s.command AND x.mark = h.mark))) k
 ORDER BY a.i
