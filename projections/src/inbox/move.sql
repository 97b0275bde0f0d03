-- A row with a lapsed_from is an expiry: it moves the cursor and keeps where the lapse began. One without is a delivery:
-- when it is not behind the cursor, the user has come back and the lapse is over.
-- A row with a joined_seq is a joining: whatever the user had left before it stays owed.
INSERT INTO {schema}.cursor AS c (user_id, conversation, sent_seq, sent_msg_no, joined_seq, joined_msg_no, begun_seq,
                                  begun_msg_no, left_seq, owed_seq, lapsed_from)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                       $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) u
ON CONFLICT (user_id, conversation) DO UPDATE SET
       sent_seq = greatest(c.sent_seq, excluded.sent_seq), sent_msg_no = greatest(c.sent_msg_no, excluded.sent_msg_no),
       joined_seq = greatest(c.joined_seq, excluded.joined_seq), joined_msg_no = greatest(c.joined_msg_no, excluded.joined_msg_no),
       begun_seq = coalesce(c.begun_seq, excluded.begun_seq), begun_msg_no = coalesce(c.begun_msg_no, excluded.begun_msg_no),
       left_seq = coalesce(excluded.left_seq, c.left_seq),
       owed_seq = CASE WHEN excluded.joined_seq > c.joined_seq THEN coalesce(excluded.owed_seq, c.left_seq) ELSE c.owed_seq END,
       lapsed_from = CASE
           WHEN excluded.lapsed_from IS NULL AND excluded.sent_seq >= c.sent_seq THEN NULL
           WHEN excluded.lapsed_from IS NOT NULL AND excluded.sent_seq > c.sent_seq THEN coalesce(c.lapsed_from, c.sent_seq + 1)
           ELSE c.lapsed_from END
