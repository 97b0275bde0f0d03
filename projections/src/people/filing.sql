INSERT INTO {schema}.filing (reports, pos, reporter, filed_at)
SELECT u.* FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[]) u
