UPDATE {schema}.announcement a SET published_at = u.published_at, cancelled_at = u.cancelled_at, cancelled_by = u.cancelled_by
  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
       u(stream, announcement, published_at, cancelled_at, cancelled_by)
 WHERE a.stream = u.stream AND a.announcement = u.announcement
