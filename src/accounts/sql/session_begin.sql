-- The account is asked again: it may have been suspended meanwhile, or have another password, which ends all sessions and must
-- not be replaced by what the old one hashes to. A sign-in is noted, for its user to be told. Of more sessions than an account may have, those that were used longest ago end; what has ended is kept as
-- long as tokens of it could be shown.
WITH entrant AS (
    UPDATE account SET announced_at = coalesce(announced_at, now()), password_hash = coalesce($2, password_hash)
     WHERE id = $1 AND suspended_at IS NULL AND password_hash = $8 RETURNING id),
begun AS (
    INSERT INTO session (id, account, expires_at, device, address, last_used_at)
    SELECT $3, id, now() + $5::bigint * interval '1 second', $6, $7, now() FROM entrant
    RETURNING id, account, device, expires_at),
noted AS (
    INSERT INTO account_matter (account, matter, told)
    SELECT account, 'signed_in', jsonb_strip_nulls(jsonb_build_object('matter', 'signed_in', 'session', id, 'device', device))::text
      FROM begun WHERE $11 AND account_is_told(account, 'signed_in')),
ended AS (
    UPDATE session SET revoked_at = now(), expires_at = least(expires_at, now() + $10::bigint * interval '1 second')
     WHERE id IN (SELECT s.id FROM session s JOIN entrant e ON s.account = e.id
                   WHERE s.revoked_at IS NULL AND s.expires_at > now()
                   ORDER BY coalesce(s.last_used_at, s.created_at) DESC, s.id OFFSET $9::bigint - 1))
INSERT INTO refresh_token (hash, session, expires_at) SELECT $4, id, expires_at FROM begun
