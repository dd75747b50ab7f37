INSERT INTO events (
    workflow_id, digest, scope, step_name, job_id, status, occurred_at, source, parameters, body, first_received_at,
    last_received_at, deliveries
)
SELECT
    id,
    bench.digest(number, event, 'event'),
    scope,
    CASE WHEN scope <> 'workflow' THEN '$0' END,
    CASE WHEN scope = 'job' THEN 'job-' || number END,
    told_status,
    CASE WHEN scope = 'workflow' THEN happened_at END,
    source,
    '{}',
    convert_to(
        format(
            '{"$type": "%s", "workflowId": "%s", "status": "%s", "n": %s, "details": {"metadata": {"run": %s}, '
            '"note": "what a callback carries besides: %s"}}',
            scope, id, told_status, event, number, repeat('0123456789', 8)
        ),
        'UTF8'
    ),
    received_at,
    received_at,
    CASE WHEN bench.chance(number, 'twice ' || event) < 0.01 THEN 2 ELSE 1 END
FROM bench.history
CROSS JOIN LATERAL (
    SELECT
        told.*,
        coalesce(word, status) AS told_status,
        CASE WHEN word IS NULL THEN ended_at ELSE at END AS happened_at
    FROM (
        VALUES
            (0, 'workflow', 'preparing'), (1, 'workflow', 'scheduled'), (2, 'workflow', 'processing'),
            (3, 'step', 'processing'), (4, 'job', 'scheduled'), (5, 'job', 'processing'), (6, 'job', NULL),
            (7, 'step', NULL), (8, 'workflow', NULL),
            -- One in ten is told twice, plainly and in detail.
            (9, CASE WHEN number % 10 = 0 THEN 'workflow' ELSE 'job' END,
                CASE WHEN number % 10 > 0 THEN 'preparing' END)
    ) AS told (event, scope, word)
) AS told
CROSS JOIN LATERAL (
    SELECT happened_at + bench.seconds(number, 'on its way ' || event, 0.2) * interval '1 second' AS received_at
) AS delivered
