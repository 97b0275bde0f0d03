CASE
    WHEN {of}.kind IN ({subjects}) THEN EXISTS (
        SELECT FROM event w
         WHERE w.lane = {of}.lane AND w.stream = {of}.stream
           AND w.kind = {withdrawal} AND log_subject(w.payload) = {of}.seq AND w.pos > {of}.pos)
    WHEN {of}.kind = {revision} THEN EXISTS (
        SELECT FROM event w
         WHERE w.lane = {of}.lane AND w.stream = {of}.stream
           AND w.kind = {withdrawal} AND log_subject(w.payload) = log_subject({of}.payload))
    ELSE false END
