DELETE FROM login_attempt l
 USING (SELECT key, address FROM login_attempt
         WHERE locked_until < now() - interval '1 day' ORDER BY locked_until LIMIT $1) old
 WHERE l.key = old.key AND l.address = old.address
