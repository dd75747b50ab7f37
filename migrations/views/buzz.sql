CREATE VIEW ops.buzz AS
SELECT
    date_bin('1 day', hour, '2000-01-01Z') AS day,
    step_type,
    engine,
    currency,
    sum(steps)::bigint AS steps,
    trim_scale(round(sum(cost), 6)) AS cost
FROM public.spent_hours
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW ops.buzz IS 'What was spent, by the day of submission, step type and engine';
COMMENT ON COLUMN ops.buzz.day IS 'its beginning, UTC';
COMMENT ON COLUMN ops.buzz.step_type IS 'what kind of work';
COMMENT ON COLUMN ops.buzz.engine IS 'the engine that the step''s input names';
COMMENT ON COLUMN ops.buzz.currency IS 'as told, several joined by commas';
COMMENT ON COLUMN ops.buzz.steps IS 'how many steps';
COMMENT ON COLUMN ops.buzz.cost IS 'what they cost; a workflow''s cost is shared evenly by steps that do not say theirs';
