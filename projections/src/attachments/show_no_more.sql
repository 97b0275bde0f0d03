DELETE FROM {schema}.avatar v USING unnest($1::uuid[], $2::uuid[]) u(owner, attachment)
 WHERE v.owner = u.owner AND u.attachment IS NULL
