CREATE VIEW ops.callbacks AS
SELECT
    hour,
    source,
    scope,
    events,
    facts,
    deliveries,
    deliveries - events AS duplicates,
    p50_latency_seconds,
    p95_latency_seconds,
    max_latency_seconds,
    last_received_at
FROM public.callback_hours;

COMMENT ON VIEW ops.callbacks IS 'How callbacks come in, by hour, source and scope';
COMMENT ON COLUMN ops.callbacks.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.callbacks.source IS 'the name of the secret with which they came';
COMMENT ON COLUMN ops.callbacks.scope IS 'workflow, step or job';
COMMENT ON COLUMN ops.callbacks.events IS 'different bodies';
COMMENT ON COLUMN ops.callbacks.facts IS 'different things told: two bodies of one fact, a detailed one and a plain one, count once, and so does progress within a status';
COMMENT ON COLUMN ops.callbacks.deliveries IS 'HTTP requests, repeated ones included';
COMMENT ON COLUMN ops.callbacks.duplicates IS 'deliveries of a body that was there already';
COMMENT ON COLUMN ops.callbacks.p50_latency_seconds IS 'half of them came within so many seconds of what they tell; only events of workflows say when that was';
COMMENT ON COLUMN ops.callbacks.p95_latency_seconds IS '95 in a hundred did';
COMMENT ON COLUMN ops.callbacks.max_latency_seconds IS 'the slowest';
COMMENT ON COLUMN ops.callbacks.last_received_at IS 'when the last of these deliveries came';
