-- A row with a lapsed_from is an expiry: it moves the cursor and keeps where the lapse began. One without is a delivery:
-- when it is not behind the cursor, the user has come back and the lapse is over.
INSERT INTO {schema}.delivered AS d (user_id, conversation, seq, msg_no, lapsed_from)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) u
ON CONFLICT (user_id, conversation) DO UPDATE SET
       seq = greatest(d.seq, excluded.seq), msg_no = greatest(d.msg_no, excluded.msg_no),
       lapsed_from = CASE
           WHEN excluded.lapsed_from IS NULL AND excluded.seq >= d.seq THEN NULL
           WHEN excluded.lapsed_from IS NOT NULL AND excluded.seq > d.seq THEN coalesce(d.lapsed_from, d.seq + 1)
           ELSE d.lapsed_from END
