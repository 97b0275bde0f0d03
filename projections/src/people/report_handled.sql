UPDATE {schema}.report r
   SET state = u.state, action = u.action, handled_by = u.by, handled_at = u.at, handling_note = u.note
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[]) u(report, state, action, by, at, note)
 WHERE r.report = u.report
