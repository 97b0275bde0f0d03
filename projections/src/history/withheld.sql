((SELECT true FROM {unread}.void w WHERE w.conversation = m.conversation AND w.seq = m.seq AND w.withheld LIMIT 1) IS NOT NULL
        OR (SELECT EXISTS (SELECT FROM projection_parked a WHERE a.projection = 'unread' AND a.version = {unread_version}
                                                             AND a.stream = m.conversation))) AS withheld