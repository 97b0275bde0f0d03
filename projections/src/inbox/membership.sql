-- A row that moves joined_seq is a joining: whatever the user had left before it stays owed.
INSERT INTO {schema}.membership AS m (user_id, conversation, joined_seq, joined_msg_no, begun_seq, begun_msg_no, left_seq, owed_seq)
SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) u
ON CONFLICT (user_id, conversation) DO UPDATE SET
       joined_seq = greatest(m.joined_seq, excluded.joined_seq), joined_msg_no = greatest(m.joined_msg_no, excluded.joined_msg_no),
       left_seq = coalesce(excluded.left_seq, m.left_seq),
       owed_seq = CASE WHEN excluded.joined_seq > m.joined_seq THEN coalesce(excluded.owed_seq, m.left_seq) ELSE m.owed_seq END
