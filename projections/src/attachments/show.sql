INSERT INTO {schema}.avatar (owner, attachment)
SELECT u.owner, u.attachment FROM unnest($1::uuid[], $2::uuid[]) u(owner, attachment) WHERE u.attachment IS NOT NULL
ON CONFLICT (owner) DO UPDATE SET attachment = excluded.attachment
