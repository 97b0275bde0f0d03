(SELECT c.user_id, c.conversation, c.seq FROM {unread}.cleared c
    UNION ALL SELECT v.user_id, v.conversation, v.visible_from - 1 AS seq FROM {conversations}.member v)