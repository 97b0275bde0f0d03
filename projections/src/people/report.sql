INSERT INTO {schema}.report (report, reports, conversation, message, sender, reporter, reason, note, pos, filed_at, versions, state)
SELECT u.*, 'open'
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bigint[],
              $10::timestamptz[], $11::bigint[]) u
ON CONFLICT (report) DO UPDATE
   SET reason = EXCLUDED.reason, note = EXCLUDED.note, pos = EXCLUDED.pos, filed_at = EXCLUDED.filed_at, versions = EXCLUDED.versions,
       state = EXCLUDED.state, action = NULL, handled_by = NULL, handled_at = NULL, handling_note = NULL
