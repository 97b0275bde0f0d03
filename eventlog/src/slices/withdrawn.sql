CASE
    WHEN e.kind IN ({subjects}) THEN e.seq = ANY(g.gone)
    WHEN e.kind = {revision} THEN EXISTS (
        SELECT FROM event w
         WHERE w.lane = u.lane_no AND w.stream = u.id AND w.kind = {withdrawal}
           AND log_subject(w.payload) = log_subject(e.payload))
    ELSE false END
