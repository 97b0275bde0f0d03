INSERT INTO {schema}.setting AS s (user_id, receipts, last_seen, direct, add_me)
SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (user_id) DO UPDATE
   SET receipts = coalesce(excluded.receipts, s.receipts), last_seen = coalesce(excluded.last_seen, s.last_seen),
       direct = coalesce(excluded.direct, s.direct), add_me = coalesce(excluded.add_me, s.add_me)
