CREATE VIEW ops.paid_not_delivered AS
SELECT
    submitted_at,
    id AS workflow_id,
    cost,
    currency,
    status,
    why,
    results,
    stored_results,
    tags
FROM (
    SELECT coalesce(created_at, heard_at) AS submitted_at, id, cost, currency, status, status AS why, tags
    FROM public.workflows
    WHERE cost > 0 AND lower(status) IN ('failed', 'expired', 'canceled')
    UNION ALL
    SELECT
        coalesce(created_at, heard_at),
        id,
        cost,
        currency,
        status,
        CASE WHEN withheld > 0 THEN 'results withheld' WHEN gone > 0 THEN 'results gone' ELSE 'results given up' END,
        tags
    FROM (
        SELECT workflow_id, count(withheld_at) AS withheld, count(gone_at) AS gone
        FROM public.results
        WHERE (dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL) AND role = 'result'
        GROUP BY workflow_id
    ) AS not_kept
    JOIN public.workflows ON workflows.id = not_kept.workflow_id
    WHERE cost > 0 AND coalesce(lower(status), '') NOT IN ('failed', 'expired', 'canceled')
    UNION ALL
    SELECT
        coalesce(created_at, heard_at),
        id,
        cost,
        currency,
        status,
        CASE WHEN gone_at IS NOT NULL THEN 'workflow gone' ELSE 'workflow given up' END,
        tags
    FROM public.workflows
    WHERE
        cost > 0
        AND (dead_at IS NOT NULL OR gone_at IS NOT NULL)
        AND archived_at IS NULL
        AND coalesce(lower(status), '') NOT IN ('failed', 'expired', 'canceled')
        AND NOT EXISTS (SELECT FROM public.results WHERE workflow_id = workflows.id AND (dead_at IS NOT NULL OR withheld_at IS NOT NULL OR gone_at IS NOT NULL) AND role = 'result')
) AS lacking
-- An outer join, since PostgreSQL leaves it out where nobody asks for the counts.
LEFT JOIN LATERAL (
    SELECT count(*) AS results, count(stored_at) AS stored_results
    FROM public.results
    WHERE workflow_id = lacking.id AND role = 'result'
) AS counted ON true;

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
