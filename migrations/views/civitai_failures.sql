CREATE VIEW ops.civitai_failures AS
SELECT
    failed.day,
    steps.type AS step_type,
    failed.provider,
    failed.status,
    failed.reason,
    failed.is_blocked,
    count(*) AS jobs,
    count(DISTINCT failed.workflow_id) AS workflows,
    max(failed.workflow_id) AS example_workflow_id
FROM (
    -- Apart, so that an index finds the jobs of a day. It is an index on the day: null where a job does not say when it ended.
    SELECT
        date_bin('1 day', completed_at, '2000-01-01Z') AS day,
        workflow_id,
        step_name,
        provider,
        coalesce(told_status, status) AS status,
        coalesce(blocked_reason, reason) AS reason,
        blocked_reason IS NOT NULL AS is_blocked
    FROM public.jobs
    WHERE
        lower(coalesce(told_status, status)) IN ('failed', 'expired', 'canceled')
        AND date_bin('1 day', completed_at, '2000-01-01Z') IS NOT NULL
    UNION ALL
    SELECT
        date_bin('1 day', coalesce(workflows.completed_at, workflows.heard_at), '2000-01-01Z'),
        jobs.workflow_id,
        jobs.step_name,
        jobs.provider,
        coalesce(jobs.told_status, jobs.status),
        coalesce(jobs.blocked_reason, jobs.reason),
        jobs.blocked_reason IS NOT NULL
    FROM public.jobs
    JOIN public.workflows ON workflows.id = jobs.workflow_id
    WHERE
        lower(coalesce(jobs.told_status, jobs.status)) IN ('failed', 'expired', 'canceled')
        AND date_bin('1 day', jobs.completed_at, '2000-01-01Z') IS NULL
) AS failed
LEFT JOIN public.steps ON steps.workflow_id = failed.workflow_id AND steps.name = failed.step_name
GROUP BY 1, 2, 3, 4, 5, 6;

COMMENT ON VIEW ops.civitai_failures IS 'Jobs that failed at Civitai, expired or were canceled, by day, step type, provider and reason; each job once';
COMMENT ON COLUMN ops.civitai_failures.day IS 'its beginning, UTC: when the job ended, else its workflow';
COMMENT ON COLUMN ops.civitai_failures.step_type IS 'of the step that the job ran';
COMMENT ON COLUMN ops.civitai_failures.provider IS 'who ran it';
COMMENT ON COLUMN ops.civitai_failures.status IS 'failed, expired or canceled: as told, else as the API says';
COMMENT ON COLUMN ops.civitai_failures.reason IS 'as told; why it was blocked before why it failed';
COMMENT ON COLUMN ops.civitai_failures.is_blocked IS 'whether the content was kept back';
COMMENT ON COLUMN ops.civitai_failures.jobs IS 'how many';
COMMENT ON COLUMN ops.civitai_failures.workflows IS 'of how many workflows';
COMMENT ON COLUMN ops.civitai_failures.example_workflow_id IS 'one of them';
