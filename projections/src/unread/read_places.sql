(SELECT r.user_id, r.conversation, r.seq, r.msg_no FROM {unread}.read_position r
    UNION ALL SELECT c.user_id, c.conversation, c.seq, c.msg_no FROM {unread}.cleared c)