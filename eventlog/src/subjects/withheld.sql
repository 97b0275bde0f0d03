CASE
    WHEN {of}.kind IN ({subjects}) THEN (
        SELECT {holds} FROM event w
         WHERE w.lane = {of}.lane AND w.stream = {of}.stream
           AND w.kind = {withholding} AND log_subject(w.payload) = {of}.seq AND w.pos > {of}.pos)
    WHEN {of}.kind = {revision} THEN (
        SELECT {holds} FROM event w
         WHERE w.lane = {of}.lane AND w.stream = {of}.stream
           AND w.kind = {withholding} AND log_subject(w.payload) = log_subject({of}.payload))
    ELSE false END
