CREATE VIEW ops.throughput_by_tag AS
SELECT
    date_bin('1 hour', results.stored_at, '2000-01-01Z') AS hour,
    tag,
    count(DISTINCT results.workflow_id) AS workflows,
    count(*) AS results,
    sum(objects.size)::bigint AS bytes
FROM public.results
JOIN public.objects ON objects.digest = results.object_digest
JOIN public.workflows ON workflows.id = results.workflow_id
LEFT JOIN LATERAL (SELECT DISTINCT unnest(workflows.tags) AS tag) AS tags ON true
WHERE results.stored_at IS NOT NULL
GROUP BY 1, 2;

COMMENT ON VIEW ops.throughput_by_tag IS 'What was stored, by hour and tag; a workflow counts for each of its tags, so tags cannot be added up';
COMMENT ON COLUMN ops.throughput_by_tag.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.throughput_by_tag.tag IS 'as submitted; null: without any';
COMMENT ON COLUMN ops.throughput_by_tag.workflows IS 'workflows of which something was stored';
COMMENT ON COLUMN ops.throughput_by_tag.results IS 'results whose content was stored';
COMMENT ON COLUMN ops.throughput_by_tag.bytes IS 'the size of their contents, one that was there already included';
