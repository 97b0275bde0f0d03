SELECT kid, secret FROM signing_key ORDER BY created_at DESC, kid
