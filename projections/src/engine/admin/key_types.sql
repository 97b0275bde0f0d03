SELECT format_type(a.atttypid, a.atttypmod)
  FROM unnest($2::text[]) WITH ORDINALITY k(name, i)
  JOIN pg_attribute a ON a.attrelid = $1::text::regclass AND a.attname = k.name
 ORDER BY k.i
