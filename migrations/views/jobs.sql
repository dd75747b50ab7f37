CREATE VIEW ops.jobs AS
SELECT
    jobs.workflow_id,
    jobs.id AS job_id,
    jobs.step_name AS step,
    steps.type AS step_type,
    steps.engine,
    jobs.status,
    jobs.told_status,
    jobs.reason,
    jobs.blocked_reason,
    jobs.provider,
    jobs.started_at,
    jobs.completed_at,
    jobs.document_at,
    jobs.refused_at,
    workflows.tags,
    coalesce(workflows.created_at, workflows.heard_at) AS submitted_at
FROM public.jobs
LEFT JOIN public.workflows ON workflows.id = jobs.workflow_id
LEFT JOIN public.steps ON steps.workflow_id = jobs.workflow_id AND steps.name = jobs.step_name;

COMMENT ON VIEW ops.jobs IS 'One of Civitai''s jobs, once however many callbacks told of it';
COMMENT ON COLUMN ops.jobs.workflow_id IS 'its workflow';
COMMENT ON COLUMN ops.jobs.job_id IS 'Civitai''s id';
COMMENT ON COLUMN ops.jobs.step IS 'the step that it runs';
COMMENT ON COLUMN ops.jobs.step_type IS 'that step''s type';
COMMENT ON COLUMN ops.jobs.engine IS 'that step''s engine';
COMMENT ON COLUMN ops.jobs.status IS 'the API''s status';
COMMENT ON COLUMN ops.jobs.told_status IS 'the callbacks'' status; kept for jobs that ended';
COMMENT ON COLUMN ops.jobs.reason IS 'why it failed, as its callback told';
COMMENT ON COLUMN ops.jobs.blocked_reason IS 'why its content was kept back, as its callback told';
COMMENT ON COLUMN ops.jobs.provider IS 'who ran it';
COMMENT ON COLUMN ops.jobs.started_at IS 'when Civitai began it';
COMMENT ON COLUMN ops.jobs.completed_at IS 'when it ended at Civitai';
COMMENT ON COLUMN ops.jobs.document_at IS 'when its own document was fetched';
COMMENT ON COLUMN ops.jobs.refused_at IS 'when the API refused that document to our token';
COMMENT ON COLUMN ops.jobs.tags IS 'the workflow''s';
COMMENT ON COLUMN ops.jobs.submitted_at IS 'the workflow''s';
