SELECT u.i, u.stream, s.seq, s.msg_no, s.actor, s.at,
       (SELECT count(*) FROM event r WHERE {revisions}), coalesce(l.kind, s.kind), coalesce(l.ver, s.ver),
       coalesce(l.payload, s.payload), EXISTS (SELECT FROM event w WHERE {withdrawals}), k.marks, k.mine, k.used
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[]) WITH ORDINALITY u(stream, command, actor, mark, i)
 CROSS JOIN LATERAL (
      SELECT e.pos, e.seq, e.msg_no, e.actor, e.at, e.kind, e.ver, e.payload FROM event e
       WHERE e.lane = $1 AND e.command = u.command AND e.stream = u.stream AND e.kind = {subject} LIMIT 1) s
  LEFT JOIN LATERAL (
      SELECT r.kind, r.ver, r.payload FROM event r WHERE {revisions} ORDER BY r.seq DESC LIMIT 1) l ON true
 CROSS JOIN LATERAL (
      WITH RECURSIVE used(mark) AS (
          SELECT {first} WHERE u.mark IS NOT NULL
          UNION ALL
          SELECT {next} FROM used WHERE used.mark IS NOT NULL),
      looked_at(mark) AS (SELECT mark FROM used WHERE mark IS NOT NULL LIMIT {most})
      SELECT array_agg(d.mark) FILTER (WHERE d.somebody) AS marks, array_agg(d.mine) FILTER (WHERE d.somebody) AS mine,
             (SELECT count(*) FROM looked_at) AS used
        FROM (SELECT c.mark,
                     coalesce((SELECT log_mark_on(m.payload) FROM event m
                                WHERE {put} AND log_mark(m.payload) = c.mark AND m.actor = u.actor
                                ORDER BY m.seq DESC LIMIT 1), false) AS mine,
                     EXISTS (SELECT FROM event m
                              WHERE {put} AND log_mark(m.payload) = c.mark AND log_mark_on(m.payload)
                                AND NOT coalesce((SELECT true FROM event n
                                                   WHERE {later} AND log_mark(n.payload) = c.mark
                                                     AND n.actor = m.actor AND n.seq > m.seq LIMIT 1), false)) AS somebody
                FROM (SELECT mark FROM looked_at UNION SELECT u.mark WHERE u.mark IS NOT NULL) c) d) k
 ORDER BY u.i
