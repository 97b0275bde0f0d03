CASE
    WHEN e.kind IN ({subjects}) THEN e.seq = ANY(h.held)
    WHEN e.kind = {revision} THEN (
        SELECT {holds} FROM event w
         WHERE w.lane = u.lane_no AND w.stream = u.id AND w.kind = {withholding}
           AND log_subject(w.payload) = log_subject(e.payload))
    ELSE false END
