-- Messages were recalled of which reports may be open.
INSERT INTO {schema}.evidence (report, reports, attachment)
SELECT o.report, o.reports, t.attachment
  FROM unnest($1::uuid[], $2::uuid[]) u(conversation, message)
 CROSS JOIN LATERAL (SELECT t.attachment FROM {schema}.taken_back t
                      WHERE t.conversation = u.conversation AND t.message = u.message LIMIT 1) t
 CROSS JOIN LATERAL (SELECT o.report, o.reports FROM {schema}.open_report o
                      WHERE o.conversation = u.conversation AND o.message = u.message) o
ON CONFLICT (report) DO NOTHING
