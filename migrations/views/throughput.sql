CREATE VIEW ops.throughput AS
SELECT
    date_bin('1 hour', results.stored_at, '2000-01-01Z') AS hour,
    steps.type AS step_type,
    steps.engine,
    count(DISTINCT results.workflow_id) AS workflows,
    count(*) AS results,
    sum(objects.size)::bigint AS bytes
FROM public.results
JOIN public.objects ON objects.digest = results.object_digest
LEFT JOIN public.steps ON steps.workflow_id = results.workflow_id AND steps.name = results.step
WHERE results.stored_at IS NOT NULL
GROUP BY 1, 2, 3;

COMMENT ON VIEW ops.throughput IS 'What was stored, by hour, step type and engine';
COMMENT ON COLUMN ops.throughput.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.throughput.step_type IS 'what kind of work made it';
COMMENT ON COLUMN ops.throughput.engine IS 'the engine that the step''s input names';
COMMENT ON COLUMN ops.throughput.workflows IS 'workflows of which something was stored';
COMMENT ON COLUMN ops.throughput.results IS 'results whose content was stored';
COMMENT ON COLUMN ops.throughput.bytes IS 'the size of their contents, one that was there already included';
