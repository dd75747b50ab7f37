CREATE VIEW ops.events AS
SELECT
    id AS event_id,
    workflow_id,
    scope,
    step_name AS step,
    job_id,
    status,
    source,
    occurred_at,
    first_received_at,
    last_received_at,
    deliveries,
    extract(epoch FROM first_received_at - occurred_at)::double precision AS latency_seconds
FROM public.events;

COMMENT ON VIEW ops.events IS 'One event told to us, once however often it was delivered';
COMMENT ON COLUMN ops.events.event_id IS 'ours, in the order in which they were written';
COMMENT ON COLUMN ops.events.workflow_id IS 'the workflow that it tells of';
COMMENT ON COLUMN ops.events.scope IS 'workflow, step or job';
COMMENT ON COLUMN ops.events.step IS 'the step, for steps and jobs';
COMMENT ON COLUMN ops.events.job_id IS 'the job, for jobs';
COMMENT ON COLUMN ops.events.status IS 'what it is now, as told';
COMMENT ON COLUMN ops.events.source IS 'the name of the secret with which it came';
COMMENT ON COLUMN ops.events.occurred_at IS 'when it happened, as told; only events of workflows say';
COMMENT ON COLUMN ops.events.first_received_at IS 'when it was first delivered';
COMMENT ON COLUMN ops.events.last_received_at IS 'when it was last delivered';
COMMENT ON COLUMN ops.events.deliveries IS 'how often it was delivered';
COMMENT ON COLUMN ops.events.latency_seconds IS 'seconds from when it happened to its first delivery';
