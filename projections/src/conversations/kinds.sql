-- Which of these conversations are direct ones.
SELECT c.conversation, c.kind = 'direct' AS direct
  FROM unnest($1::uuid[]) k(conversation)
 CROSS JOIN LATERAL (SELECT c.conversation, c.kind FROM {conversations}.conversation c
                      WHERE c.conversation = k.conversation LIMIT 1) c
