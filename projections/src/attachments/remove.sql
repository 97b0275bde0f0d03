DELETE FROM {schema}.attachment a USING unnest($1::uuid[]) u(attachment) WHERE a.attachment = u.attachment
