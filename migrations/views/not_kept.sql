CREATE VIEW ops.not_kept AS
SELECT
    coalesce(withheld_at, gone_at, dead_at) AS settled_at,
    'result' AS subject,
    CASE WHEN withheld_at IS NOT NULL THEN 'withheld' WHEN gone_at IS NOT NULL THEN 'gone' ELSE 'dead' END AS state,
    workflow_id,
    step,
    path,
    role,
    blob_id,
    CASE WHEN withheld_at IS NOT NULL THEN blocked_reason ELSE last_error END AS evidence,
    missing_at,
    attempts,
    -- No join: one that nobody asks for would still keep counts from being read from the index alone.
    (SELECT tags FROM public.workflows WHERE workflows.id = results.workflow_id) AS tags
FROM public.results
WHERE dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL
UNION ALL
SELECT
    coalesce(gone_at, dead_at),
    'workflow',
    CASE WHEN gone_at IS NOT NULL THEN 'gone' ELSE 'dead' END,
    id,
    NULL,
    NULL,
    NULL,
    NULL,
    CASE WHEN gone_at IS NOT NULL THEN coalesce(last_error, 'Civitai''s API answers that there is no such workflow') ELSE last_error END,
    missing_at,
    failures,
    tags
FROM public.workflows
WHERE dead_at IS NOT NULL OR gone_at IS NOT NULL;

COMMENT ON VIEW ops.not_kept IS 'What is not kept and will not be: withheld by Civitai, gone there, or given up by us, with the evidence';
COMMENT ON COLUMN ops.not_kept.settled_at IS 'when that was settled';
COMMENT ON COLUMN ops.not_kept.subject IS 'result, or workflow: its document and what it would have named (what was kept of it before stays)';
COMMENT ON COLUMN ops.not_kept.state IS 'withheld (Civitai keeps it back), gone (Civitai''s API says it is no more) or dead (we gave up)';
COMMENT ON COLUMN ops.not_kept.workflow_id IS 'the workflow';
COMMENT ON COLUMN ops.not_kept.step IS 'the result''s step';
COMMENT ON COLUMN ops.not_kept.path IS 'the result''s place in the step';
COMMENT ON COLUMN ops.not_kept.role IS 'result, preview, by-product or bundle';
COMMENT ON COLUMN ops.not_kept.blob_id IS 'Civitai''s id of the content';
COMMENT ON COLUMN ops.not_kept.evidence IS 'what Civitai said, or our last error';
COMMENT ON COLUMN ops.not_kept.missing_at IS 'Civitai''s API answers 404 since then';
COMMENT ON COLUMN ops.not_kept.attempts IS 'failed tries';
COMMENT ON COLUMN ops.not_kept.tags IS 'the workflow''s';
