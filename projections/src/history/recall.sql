WITH recalled AS (
    UPDATE {schema}.message m
       SET text = NULL, attachment = NULL, mentions = '{}', everyone = false, edited_at = NULL, recalled_at = u.at,
           forwarded_sender = NULL, forwarded_at = NULL, forwarded_conversation = NULL, forwarded_message = NULL
      FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[]) u(conversation, seq, message, at)
     WHERE m.conversation = u.conversation AND m.seq = u.seq AND m.message = u.message AND m.recalled_at IS NULL
    RETURNING m.conversation, m.seq, m.thread
), forgotten AS (
    DELETE FROM {schema}.edit e USING recalled r WHERE e.conversation = r.conversation AND e.message_seq = r.seq), unpinned AS (
    DELETE FROM {schema}.pin p USING recalled r WHERE p.conversation = r.conversation AND p.message_seq = r.seq), silenced AS (
    UPDATE {schema}.reply y SET recalled = true FROM recalled r WHERE y.conversation = r.conversation AND y.root = r.thread AND y.seq = r.seq
), fewer AS (
    UPDATE {schema}.thread t SET replies = t.replies - r.count
      FROM (SELECT r.conversation, r.thread, count(*) FROM recalled r WHERE r.thread IS NOT NULL GROUP BY 1, 2) r
     WHERE t.conversation = r.conversation AND t.root = r.thread)
DELETE FROM {schema}.reaction x USING recalled r WHERE x.conversation = r.conversation AND x.message_seq = r.seq
