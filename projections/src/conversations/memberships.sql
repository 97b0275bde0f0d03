-- One statement, so one snapshot: how far the read models had come in each lane when they said all this, which conversations
-- are aside (the first of them, each found by one probe), and the memberships. A lane is left out unless every model has it, or
-- nothing has happened in it, and none is ahead of the log, which vouches for nothing. A membership is apart where the second
-- model has still to see the latest joining: nobody knows what is owed from before it.
WITH RECURSIVE aside(n, stream) AS (
    (SELECT 1, p.stream FROM projection_parked p WHERE p.projection = $4 AND p.version = $5 ORDER BY p.stream LIMIT 1)
    UNION ALL
    SELECT a.n + 1, p.stream
      FROM aside a
     CROSS JOIN LATERAL (SELECT p.stream FROM projection_parked p
                          WHERE p.projection = $4 AND p.version = $5 AND p.stream > a.stream ORDER BY p.stream LIMIT 1) p
     WHERE a.n < $6)
SELECT 'lane' AS what, l.lane::bigint AS i, NULL::uuid AS conversation, min(coalesce(c.pos, 0)) AS joined_seq, NULL::bigint AS left_seq,
       NULL::bigint AS folded_seq, false AS parked, NULL::bigint AS delivered_seq, NULL::bigint AS delivered_msg_no,
       NULL::bigint AS expired_from, NULL::bigint AS begun_seq, false AS apart, NULL::bigint AS visible_from,
       NULL::bigint AS newcomers_from, NULL::bigint AS newcomers_msg_no, NULL::bigint[] AS stay_starts, NULL::bigint[] AS stay_ends
  FROM log_lane l
 CROSS JOIN unnest($2::text[], $3::int[]) v(projection, version)
  LEFT JOIN LATERAL (SELECT c.pos FROM projection_checkpoint c
                      WHERE c.projection = v.projection AND c.version = v.version AND c.lane = l.lane LIMIT 1) c ON true
 WHERE l.lane >= 0
 GROUP BY l.lane, l.head
HAVING (count(c.pos) = cardinality($2) OR l.head = 0) AND coalesce(max(c.pos), 0) <= l.head
UNION ALL
SELECT 'aside', 0, a.stream, NULL, NULL, c.last_seq, true, NULL, NULL, NULL, NULL, false, NULL, c.newcomers_from,
       c.newcomers_msg_no, NULL, NULL
  FROM aside a
  LEFT JOIN LATERAL (SELECT c.last_seq, c.newcomers_from, c.newcomers_msg_no FROM {conversations}.conversation c
                      WHERE c.conversation = a.stream LIMIT 1) c ON true
UNION ALL
SELECT 'member', u.i, m.conversation, m.joined_seq, m.left_seq, c.last_seq, p.parked, k.delivered_seq, k.delivered_msg_no,
       k.expired_from, k.begun_seq,
       m.joined_seq - 1 > coalesce(stay.joined_seq, 0)
       AND NOT EXISTS (SELECT 1 FROM projection_parked p WHERE p.projection = $2[2] AND p.version = $3[2] AND p.stream = m.conversation),
       m.visible_from, c.newcomers_from, c.newcomers_msg_no, earlier.stay_starts, earlier.stay_ends
  FROM unnest($1::uuid[]) WITH ORDINALITY u(id, i)
  JOIN {conversations}.member m ON m.user_id = u.id
  LEFT JOIN LATERAL (SELECT c.last_seq, c.newcomers_from, c.newcomers_msg_no FROM {conversations}.conversation c
                      WHERE c.conversation = m.conversation LIMIT 1) c ON true
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM projection_parked p WHERE p.projection = $4 AND p.version = $5
                                       AND p.stream = m.conversation) AS parked) p
{stays}
{delivery_cursor}
