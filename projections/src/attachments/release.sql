WITH released AS (
    DELETE FROM {schema}.claim c USING unnest($1::uuid[], $2::bigint[], $3::uuid[]) u(conversation, seq, message)
     WHERE c.conversation = u.conversation AND c.seq = u.seq
    RETURNING c.conversation, u.message, c.attachment)
INSERT INTO {schema}.taken_back (conversation, message, attachment)
SELECT r.conversation, r.message, r.attachment FROM released r
