"""Everything about one workflow: what panels of the other dashboards lead to."""

from dashboards import panels
from dashboards.panels import table

BOARD = panels.board(
    panels.WORKFLOW_BOARD,
    "civitai-archive: one workflow",
    "What panels of the other dashboards lead to: everything about one workflow.",
    [
        table(
            "Workflow",
            "SELECT * FROM ops.workflows WHERE workflow_id = ${workflow:sqlstring}",
            about="How it ended, and how far the archive has come with it.",
            units={"run_seconds": "s", "lag_seconds": "s"},
            h=5,
        ),
        table(
            "Results",
            """
SELECT step, path, role, kind, state, size, media_type, sha256, coalesce(storage_url, object_name) AS place, last_error
FROM ops.results
WHERE workflow_id = ${workflow:sqlstring}
ORDER BY step, path
LIMIT 1000
""",
            about="Each place where content appears.",
            units={"size": "bytes"},
        ),
        table(
            "Jobs",
            """
SELECT step, job_id, provider, status, told_status, reason, blocked_reason, started_at, completed_at
FROM ops.jobs
WHERE workflow_id = ${workflow:sqlstring}
ORDER BY step, started_at
""",
            about="Civitai's jobs, and why they failed.",
        ),
        table(
            "Events",
            """
SELECT first_received_at, scope, status, step, job_id, source, occurred_at, latency_seconds, deliveries
FROM ops.events
WHERE workflow_id = ${workflow:sqlstring}
ORDER BY event_id
LIMIT 1000
""",
            about="What callbacks told, in the order in which it was written.",
            units={"latency_seconds": "s"},
        ),
    ],
    variables=[panels.typed("workflow", "Workflow")],
    since="now-30d",
)
