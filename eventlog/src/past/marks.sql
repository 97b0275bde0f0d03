-- Each subject by the index of marks. One row more than is wanted of one tells that there are too many of all.
SELECT m.subject, m.mark, m.actor, m.seq, m.held
  FROM unnest($3::bigint[]) u(seq)
 CROSS JOIN LATERAL (
      SELECT u.seq AS subject, log_mark(m.payload) AS mark, m.actor, m.seq, log_mark_on(m.payload) AS held FROM event m
       WHERE m.lane = $1 AND m.stream = $2 AND m.kind = {mark} AND log_subject(m.payload) = u.seq AND m.seq <= $4 LIMIT $5) m
 LIMIT $5
