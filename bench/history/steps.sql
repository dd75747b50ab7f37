INSERT INTO steps (
    workflow_id, name, position, type, engine, status, started_at, completed_at, input, output
)
SELECT
    id, '$0', 0, step_type, engine, status, at, ended_at,
    jsonb_build_object('prompt', bench.prompt(), 'engine', engine, 'seed', number), jsonb_build_object('seed', number)
FROM bench.history
