INSERT INTO projection_refused (projection, version, reason) VALUES ($1, $2, $3)
ON CONFLICT (projection, version) DO UPDATE SET refused_at = now(), reason = excluded.reason
