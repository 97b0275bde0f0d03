INSERT INTO stream_state_form AS k (lane, stream, seq, form, epoch, state)
SELECT $1, $2, $3, $4, $5, $6 FROM stream s JOIN log_lane l ON l.lane = $1
 WHERE s.lane = $1 AND s.stream = $2 AND s.guard_seq >= $3 AND l.epoch = $5
ON CONFLICT (lane, stream, form) DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch, state = excluded.state
 WHERE (k.epoch, k.seq) < (excluded.epoch, excluded.seq)
