SELECT DISTINCT p FROM upload u, unnest(u.parts) p WHERE p = ANY($1)
