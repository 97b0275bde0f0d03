DELETE FROM {schema}.open_report o USING unnest($1::uuid[]) u(report) WHERE o.report = u.report
