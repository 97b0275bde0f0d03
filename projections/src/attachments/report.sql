INSERT INTO {schema}.open_report (report, reports, conversation, message)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[])
ON CONFLICT (report) DO NOTHING
