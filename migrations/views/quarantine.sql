CREATE VIEW ops.quarantine AS
SELECT
    id AS quarantine_id,
    source,
    reason,
    octet_length(body) AS size,
    deliveries,
    first_received_at,
    last_received_at
FROM public.quarantine;

COMMENT ON VIEW ops.quarantine IS 'Authenticated deliveries that could not be read as events; civitai-archive quarantine shows them whole';
COMMENT ON COLUMN ops.quarantine.quarantine_id IS 'for civitai-archive quarantine show';
COMMENT ON COLUMN ops.quarantine.source IS 'the name of the secret with which it came';
COMMENT ON COLUMN ops.quarantine.reason IS 'why it is no event that we can read';
COMMENT ON COLUMN ops.quarantine.size IS 'bytes of its body';
COMMENT ON COLUMN ops.quarantine.deliveries IS 'how often it was delivered';
COMMENT ON COLUMN ops.quarantine.first_received_at IS 'when it first came';
COMMENT ON COLUMN ops.quarantine.last_received_at IS 'when it last came';
