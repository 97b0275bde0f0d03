DELETE FROM {schema}.evidence e USING unnest($1::uuid[]) u(report) WHERE e.report = u.report
