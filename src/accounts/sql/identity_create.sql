WITH made AS (
    INSERT INTO account (id, username, username_key, display_name)
    VALUES ($1, $2, $3, $4) ON CONFLICT (username_key) DO NOTHING RETURNING id)
INSERT INTO identity (issuer, subject, account) SELECT $5, $6, id FROM made
