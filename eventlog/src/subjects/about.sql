{row}.lane = $1 AND {row}.stream = s.stream AND {row}.kind = {kind}
AND log_subject({row}.payload) = s.seq AND {row}.pos > s.pos
