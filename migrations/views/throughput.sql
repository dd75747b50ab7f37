CREATE VIEW ops.throughput AS
SELECT
    hour,
    step_type,
    engine,
    workflows,
    results,
    bytes
FROM public.stored_hours;

COMMENT ON VIEW ops.throughput IS 'What was stored, by hour, step type and engine';
COMMENT ON COLUMN ops.throughput.hour IS 'its beginning, UTC';
COMMENT ON COLUMN ops.throughput.step_type IS 'what kind of work made it';
COMMENT ON COLUMN ops.throughput.engine IS 'the engine that the step''s input names';
COMMENT ON COLUMN ops.throughput.workflows IS 'workflows of which something was stored';
COMMENT ON COLUMN ops.throughput.results IS 'results whose content was stored';
COMMENT ON COLUMN ops.throughput.bytes IS 'the size of their contents, one that was there already included';
