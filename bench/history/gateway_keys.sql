INSERT INTO gateway_keys (name, digest, scopes, calls_per_minute, last_used_at)
VALUES ('site', sha256('site'), '{read}', 600, now())
