CREATE VIEW ops.paid_not_delivered AS
SELECT
    coalesce(workflows.created_at, workflows.heard_at) AS submitted_at,
    workflows.id AS workflow_id,
    workflows.cost,
    workflows.currency,
    workflows.status,
    CASE
        WHEN lower(workflows.status) IN ('failed', 'expired', 'canceled') THEN workflows.status
        WHEN named.withheld > 0 THEN 'results withheld'
        WHEN named.gone > 0 THEN 'results gone'
        WHEN named.dead > 0 THEN 'results given up'
        WHEN workflows.gone_at IS NOT NULL THEN 'workflow gone'
        ELSE 'workflow given up'
    END AS why,
    named.results,
    named.stored AS stored_results,
    workflows.tags
FROM (
    SELECT id FROM public.workflows WHERE lower(status) IN ('failed', 'expired', 'canceled')
    UNION
    SELECT id FROM public.workflows WHERE (dead_at IS NOT NULL OR gone_at IS NOT NULL) AND archived_at IS NULL
    UNION
    SELECT workflow_id FROM public.results WHERE dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL
) AS suspected
JOIN public.workflows ON workflows.id = suspected.id
CROSS JOIN LATERAL (
    SELECT
        count(*) AS results,
        count(stored_at) AS stored,
        count(withheld_at) AS withheld,
        count(gone_at) AS gone,
        count(dead_at) AS dead
    FROM public.results
    WHERE results.workflow_id = workflows.id AND results.role = 'result'
) AS named
WHERE
    workflows.cost > 0
    AND (
        lower(workflows.status) IN ('failed', 'expired', 'canceled')
        OR named.withheld + named.gone + named.dead > 0
        OR (num_nonnulls(workflows.gone_at, workflows.dead_at) > 0 AND workflows.archived_at IS NULL)
    );

COMMENT ON VIEW ops.paid_not_delivered IS 'Workflows that cost something and did not deliver all: failed, expired or canceled at Civitai, or with results that were withheld, are gone or were given up';
COMMENT ON COLUMN ops.paid_not_delivered.submitted_at IS 'when it was created at Civitai; until that is known, when we heard of it';
COMMENT ON COLUMN ops.paid_not_delivered.workflow_id IS 'Civitai''s id';
COMMENT ON COLUMN ops.paid_not_delivered.cost IS 'the total, in currency, as the document says now: a refund shows if Civitai changed it before we fetched it';
COMMENT ON COLUMN ops.paid_not_delivered.currency IS 'as told, several joined by commas';
COMMENT ON COLUMN ops.paid_not_delivered.status IS 'the API''s, else the callbacks''';
COMMENT ON COLUMN ops.paid_not_delivered.why IS 'the first that applies: its status, results withheld, results gone, results given up, workflow gone, workflow given up';
COMMENT ON COLUMN ops.paid_not_delivered.results IS 'results that it names, without previews and by-products';
COMMENT ON COLUMN ops.paid_not_delivered.stored_results IS 'those whose content is stored';
COMMENT ON COLUMN ops.paid_not_delivered.tags IS 'as submitted';
