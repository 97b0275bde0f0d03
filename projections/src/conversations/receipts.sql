-- What sort of conversations these are, and how many members they have now, counted up to a limit.
SELECT c.conversation, c.kind,
       (SELECT count(*) FROM (SELECT FROM {conversations}.member m
                               WHERE m.conversation = c.conversation AND m.left_seq IS NULL LIMIT $2) m) AS members
  FROM unnest($1::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT c.conversation, c.kind FROM {conversations}.conversation c
                      WHERE c.conversation = k.conversation LIMIT 1) c
