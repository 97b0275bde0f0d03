-- A row with a lapsed_from is an expiry: it moves the cursor and keeps where the lapse began. One without is a delivery:
-- when it is not behind the cursor, the user has come back and the lapse is over.
INSERT INTO {schema}.cursor AS c (user_id, conversation, sent_seq, sent_msg_no, joined_seq, joined_msg_no, lapsed_from)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) u
ON CONFLICT (user_id, conversation) DO UPDATE SET
       sent_seq = greatest(c.sent_seq, excluded.sent_seq), sent_msg_no = greatest(c.sent_msg_no, excluded.sent_msg_no),
       joined_seq = greatest(c.joined_seq, excluded.joined_seq), joined_msg_no = greatest(c.joined_msg_no, excluded.joined_msg_no),
       lapsed_from = CASE
           WHEN excluded.lapsed_from IS NULL AND excluded.sent_seq >= c.sent_seq THEN NULL
           WHEN excluded.lapsed_from IS NOT NULL AND excluded.sent_seq > c.sent_seq THEN coalesce(c.lapsed_from, c.sent_seq + 1)
           ELSE c.lapsed_from END
