CREATE VIEW ops.queue AS
SELECT
    'archive_workflow' AS task,
    count(*) FILTER (WHERE due_at <= now() AND coalesce(leased_until <= now(), true)) AS due,
    count(*) FILTER (WHERE leased_until > now()) AS leased,
    count(*) FILTER (WHERE due_at > now() AND coalesce(leased_until <= now(), true)) AS waiting,
    min(due_at) FILTER (WHERE due_at <= now() AND coalesce(leased_until <= now(), true)) AS oldest_due_at,
    coalesce(
        extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now() AND coalesce(leased_until <= now(), true))),
        0
    )::double precision AS oldest_due_seconds
FROM public.workflows
WHERE due_at IS NOT NULL
UNION ALL
SELECT
    'keep_result',
    count(*) FILTER (WHERE next_attempt_at <= now()),
    0,
    count(*) FILTER (WHERE next_attempt_at > now()),
    min(next_attempt_at) FILTER (WHERE next_attempt_at <= now()),
    coalesce(extract(epoch FROM now() - min(next_attempt_at) FILTER (WHERE next_attempt_at <= now())), 0)::double precision
FROM public.workflows
JOIN public.results ON results.workflow_id = workflows.id
WHERE
    workflows.due_at IS NOT NULL
    AND num_nonnulls(results.stored_at, results.withheld_at, results.gone_at, results.dead_at) = 0;

COMMENT ON VIEW ops.queue IS 'What is owed now, by task: archive_workflow counts workflows; keep_result counts the results of those that are due, leased or waiting, which are fetched within it';
COMMENT ON COLUMN ops.queue.task IS 'archive_workflow or keep_result';
COMMENT ON COLUMN ops.queue.due IS 'due now, and in nobody''s hands';
COMMENT ON COLUMN ops.queue.leased IS 'in a worker''s hands; 0 for results, which have no lease of their own';
COMMENT ON COLUMN ops.queue.waiting IS 'due later';
COMMENT ON COLUMN ops.queue.oldest_due_at IS 'since when the oldest is due';
COMMENT ON COLUMN ops.queue.oldest_due_seconds IS 'seconds since then; 0 when nothing is due';
