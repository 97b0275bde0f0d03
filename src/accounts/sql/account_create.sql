INSERT INTO account (id, username, username_key, display_name, password_hash)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (username_key) DO NOTHING
