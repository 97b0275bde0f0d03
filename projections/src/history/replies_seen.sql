-- How many replies of the thread t the viewer sees that were not recalled and are not withheld. Of one that they see from its first reply on, what
-- they have hidden is taken off, as far as the first 1,000 messages behind that go which they have hidden, and what else is withheld: of a
-- conversation no more than 1,000 messages are. Of any other the newest 1,000 replies are looked at.
(SELECT CASE WHEN f.seq > k.floor
             THEN t.replies - (SELECT count(*)
                                 FROM (SELECT x.seq FROM {unread}.hidden x
                                        WHERE x.user_id = k.viewer AND x.conversation = t.conversation AND x.seq >= f.seq AND x.seq <= t.last_seq
                                        ORDER BY x.seq LIMIT 1000) x
                                CROSS JOIN LATERAL (SELECT FROM {history}.reply y WHERE y.conversation = t.conversation AND y.root = t.root
                                                       AND y.seq = x.seq AND NOT y.recalled LIMIT 1) y)
                            - (SELECT count(*)
                                 FROM (SELECT v.seq FROM {unread}.void v
                                        WHERE v.conversation = t.conversation AND v.withheld AND v.seq >= f.seq AND v.seq <= t.last_seq
                                        ORDER BY v.seq LIMIT 1000) v
                                CROSS JOIN LATERAL (SELECT FROM {history}.reply y WHERE y.conversation = t.conversation AND y.root = t.root
                                                       AND y.seq = v.seq AND NOT y.recalled LIMIT 1) y
                                WHERE (SELECT true FROM {unread}.hidden x WHERE x.user_id = k.viewer
                                                     AND x.conversation = t.conversation AND x.seq = v.seq LIMIT 1) IS NULL)
             ELSE (SELECT count(*)
                     FROM (SELECT y.conversation, y.seq, y.recalled FROM {history}.reply y
                            WHERE y.conversation = t.conversation AND y.root = t.root AND y.seq > k.floor
                            ORDER BY y.seq DESC LIMIT 1000) y
                    WHERE NOT y.recalled
                      AND (SELECT true FROM {unread}.void v WHERE v.conversation = y.conversation AND v.seq = y.seq LIMIT 1) IS NULL
                      AND (SELECT true FROM {unread}.hidden x WHERE x.user_id = k.viewer
                                         AND x.conversation = y.conversation AND x.seq = y.seq LIMIT 1) IS NULL)
        END
   FROM (SELECT y.seq FROM {history}.reply y WHERE y.conversation = t.conversation AND y.root = t.root ORDER BY y.seq LIMIT 1) f)