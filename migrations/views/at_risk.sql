CREATE VIEW ops.at_risk AS
SELECT
    id AS workflow_id,
    deadline_at,
    extract(epoch FROM deadline_at - now())::double precision AS seconds_left,
    coalesce(status, told_status) AS status,
    (
        SELECT count(*)
        FROM public.results
        WHERE results.workflow_id = workflows.id AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0
    ) AS pending_results,
    due_at,
    failures,
    coalesce(
        last_error,
        (
            SELECT max(results.last_error)
            FROM public.results
            WHERE results.workflow_id = workflows.id AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0
        )
    ) AS last_error,
    cost,
    currency,
    tags
FROM public.workflows
WHERE
    due_at IS NOT NULL
    AND deadline_at < now() + interval '7 days'
    AND (
        archived_at IS NULL
        OR EXISTS (
            SELECT FROM public.results
            WHERE results.workflow_id = workflows.id AND num_nonnulls(stored_at, withheld_at, gone_at, dead_at) = 0
        )
    );

COMMENT ON VIEW ops.at_risk IS 'Workflows that Civitai forgets within a week and that are not safe yet';
COMMENT ON COLUMN ops.at_risk.workflow_id IS 'Civitai''s id';
COMMENT ON COLUMN ops.at_risk.deadline_at IS 'when Civitai forgets it';
COMMENT ON COLUMN ops.at_risk.seconds_left IS 'until then; negative when that has passed';
COMMENT ON COLUMN ops.at_risk.status IS 'the API''s, else the callbacks''';
COMMENT ON COLUMN ops.at_risk.pending_results IS 'results that are not settled; 0 when even its document is missing';
COMMENT ON COLUMN ops.at_risk.due_at IS 'when it is tried next';
COMMENT ON COLUMN ops.at_risk.failures IS 'failed tries since the last good one';
COMMENT ON COLUMN ops.at_risk.last_error IS 'what is in the way';
COMMENT ON COLUMN ops.at_risk.cost IS 'what was paid for it';
COMMENT ON COLUMN ops.at_risk.currency IS 'as told, several joined by commas';
COMMENT ON COLUMN ops.at_risk.tags IS 'as submitted';
