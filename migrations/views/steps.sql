CREATE VIEW ops.steps AS
SELECT
    steps.workflow_id,
    steps.name AS step,
    steps.position,
    steps.type AS step_type,
    steps.engine,
    steps.status,
    steps.started_at,
    steps.completed_at,
    extract(epoch FROM steps.completed_at - steps.started_at)::double precision AS run_seconds,
    coalesce(
        steps.cost,
        trim_scale(round(
            greatest(
                workflows.cost - coalesce((SELECT sum(cost) FROM steps AS sibling WHERE sibling.workflow_id = steps.workflow_id), 0),
                0
            ) / (SELECT count(*) FROM steps AS sibling WHERE sibling.workflow_id = steps.workflow_id AND sibling.cost IS NULL),
            6
        ))
    ) AS cost,
    workflows.currency,
    workflows.tags,
    coalesce(workflows.created_at, workflows.heard_at) AS submitted_at
FROM public.steps
LEFT JOIN public.workflows ON workflows.id = steps.workflow_id;

COMMENT ON VIEW ops.steps IS 'One step of a workflow, from the API''s document';
COMMENT ON COLUMN ops.steps.workflow_id IS 'its workflow';
COMMENT ON COLUMN ops.steps.step IS 'its name; without one of its own, its position';
COMMENT ON COLUMN ops.steps.position IS 'its place in the workflow, from 0';
COMMENT ON COLUMN ops.steps.step_type IS 'what kind of work: textToImage, videoGen, …';
COMMENT ON COLUMN ops.steps.engine IS 'the engine that its input names';
COMMENT ON COLUMN ops.steps.status IS 'the API''s status';
COMMENT ON COLUMN ops.steps.started_at IS 'when Civitai began it';
COMMENT ON COLUMN ops.steps.completed_at IS 'when it ended at Civitai';
COMMENT ON COLUMN ops.steps.run_seconds IS 'seconds from its start to its end';
COMMENT ON COLUMN ops.steps.cost IS 'its own cost where the document says it; else an even share of what the others leave of the workflow''s';
COMMENT ON COLUMN ops.steps.currency IS 'the workflow''s';
COMMENT ON COLUMN ops.steps.tags IS 'the workflow''s';
COMMENT ON COLUMN ops.steps.submitted_at IS 'the workflow''s';
