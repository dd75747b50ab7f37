INSERT INTO jobs (
    workflow_id, id, step_name, status, told_status, reason, provider, started_at, completed_at, document, document_at
)
SELECT
    id, 'job-' || number, '$0', status, status,
    CASE
        WHEN status = 'failed' THEN (ARRAY[
            'The worker ran out of memory.', 'The prompt was refused by moderation.',
            'No provider took the job in time.', 'The resource could not be downloaded.'
        ])[1 + floor(bench.chance(number, 'reason') * 4)::int]
    END,
    (ARRAY['Replicate', 'FalAI', 'Civitai', 'Octo'])[1 + floor(bench.chance(number, 'provider') * 4)::int],
    at,
    CASE WHEN bench.chance(number, 'job says when') < 0.9 THEN ended_at END,
    jsonb_build_object('cost', 4, 'lastEvent', jsonb_build_object('type', status)),
    archived_at
FROM bench.history
