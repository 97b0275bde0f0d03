-- There are as many at most as there are names.
SELECT s.conversation, s.name, s.value
  FROM unnest($1::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT x.conversation, x.name, x.value FROM {groups}.group_setting x
                      WHERE x.conversation = k.conversation ORDER BY x.name LIMIT 64) s
