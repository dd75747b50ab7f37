CREATE VIEW ops.civitai_failures AS
SELECT
    date_bin('1 day', coalesce(jobs.completed_at, workflows.completed_at, workflows.heard_at), '2000-01-01Z') AS day,
    steps.type AS step_type,
    jobs.provider,
    coalesce(jobs.told_status, jobs.status) AS status,
    coalesce(jobs.blocked_reason, jobs.reason) AS reason,
    jobs.blocked_reason IS NOT NULL AS is_blocked,
    count(*) AS jobs,
    count(DISTINCT jobs.workflow_id) AS workflows,
    max(jobs.workflow_id) AS example_workflow_id
FROM public.jobs
JOIN public.workflows ON workflows.id = jobs.workflow_id
LEFT JOIN public.steps ON steps.workflow_id = jobs.workflow_id AND steps.name = jobs.step_name
WHERE lower(coalesce(jobs.told_status, jobs.status)) IN ('failed', 'expired', 'canceled')
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
