INSERT INTO workflows (
    id, origin, heard_at, told_status, told_at, end_received_at, status, fetched_at, tags, metadata, document, created_at,
    started_at, completed_at, cost, currency, nsfw_level, last_event_id, due_at, leased_until, attempts, failures,
    last_error, deadline_at, archived_at, dead_at
)
SELECT
    id,
    CASE WHEN bench.chance(number, 'origin') < 0.98 THEN 'callback' ELSE 'reconcile' END,
    at,
    status,
    ended_at,
    CASE
        WHEN NOT is_open AND bench.chance(number, 'announced') < 0.99
        THEN ended_at + bench.chance(number, 'told') * interval '1 second'
    END,
    status,
    archived_at,
    CASE floor(bench.chance(number, 'tags') * 4)::int
        WHEN 0 THEN '{}'::text[]
        WHEN 3 THEN ARRAY['project-' || tag, 'project-' || (tag + 7) % 40]
        ELSE ARRAY['project-' || tag]
    END,
    jsonb_build_object('run', number),
    jsonb_build_object('id', id, 'status', status, 'steps', jsonb_build_array(jsonb_build_object(
        '$type', step_type, 'name', '$0', 'input', jsonb_build_object('prompt', bench.prompt()), 'seed', number))),
    at,
    at,
    CASE WHEN NOT is_open THEN ended_at END,
    1 + floor(bench.chance(number, 'cost') * 400),
    'BUZZ',
    nsfw_level,
    number * 10,
    CASE
        WHEN is_late THEN now()
        WHEN is_open THEN now() + (bench.chance(number, 'due') * 630 - 30) * interval '1 second'
    END,
    CASE WHEN is_open AND bench.chance(number, 'leased') < 0.1 THEN now() + interval '10 seconds' END,
    2,
    CASE WHEN is_late THEN 3 ELSE 0 END,
    CASE WHEN is_late OR is_dead THEN error END,
    CASE WHEN is_late THEN now() + interval '2 days' ELSE ended_at + interval '30 days' END,
    CASE WHEN NOT (is_open OR is_late OR is_dead) THEN archived_at END,
    CASE WHEN is_dead THEN archived_at END
FROM bench.history, LATERAL (SELECT floor(bench.chance(number, 'tag') * 40)::int AS tag) AS drawn
