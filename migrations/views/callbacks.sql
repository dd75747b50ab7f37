CREATE VIEW ops.callbacks AS
SELECT
    date_bin('1 hour', first_received_at, '2000-01-01Z') AS hour,
    source,
    scope,
    count(*) AS events,
    count(DISTINCT (workflow_id, step_name, job_id, status, occurred_at)) AS facts,
    sum(deliveries)::bigint AS deliveries,
    sum(deliveries)::bigint - count(*) AS duplicates,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM first_received_at - occurred_at)) AS p50_latency_seconds,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM first_received_at - occurred_at)) AS p95_latency_seconds,
    max(extract(epoch FROM first_received_at - occurred_at))::double precision AS max_latency_seconds,
    max(last_received_at) AS last_received_at
FROM public.events
GROUP BY 1, 2, 3;

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
