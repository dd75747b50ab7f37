CREATE VIEW ops.gateway_keys AS
SELECT
    name,
    scopes,
    calls_per_minute,
    created_at,
    last_used_at,
    revoked_at
FROM public.gateway_keys;

COMMENT ON VIEW ops.gateway_keys IS 'The gateway''s keys, without the keys';
COMMENT ON COLUMN ops.gateway_keys.name IS 'whose key it is';
COMMENT ON COLUMN ops.gateway_keys.scopes IS 'what it allows: read, write, admin';
COMMENT ON COLUMN ops.gateway_keys.calls_per_minute IS 'how often it may be used';
COMMENT ON COLUMN ops.gateway_keys.created_at IS 'when it was made';
COMMENT ON COLUMN ops.gateway_keys.last_used_at IS 'when it was last used, to the minute';
COMMENT ON COLUMN ops.gateway_keys.revoked_at IS 'when it was revoked; null: it is good';
