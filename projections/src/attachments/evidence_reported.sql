-- Reports were made of messages that may have been recalled.
INSERT INTO {schema}.evidence (report, reports, attachment)
SELECT u.report, u.reports, t.attachment
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) u(report, reports, conversation, message)
 CROSS JOIN LATERAL (SELECT t.attachment FROM {schema}.taken_back t
                      WHERE t.conversation = u.conversation AND t.message = u.message LIMIT 1) t
ON CONFLICT (report) DO NOTHING
