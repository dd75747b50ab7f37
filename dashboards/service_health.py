"""Whether anything needs somebody now."""

from dashboards import panels
from dashboards.panels import series, stat, table

BOARD = panels.board(
    "civitai-archive-health",
    "civitai-archive: service health",
    "Whether anything needs somebody now.",
    [
        stat(
            "Oldest due",
            "SELECT max(oldest_due_seconds) AS seconds FROM ops.queue WHERE task = 'archive_workflow'",
            about="How long the workflow that has waited longest has been due. Minutes mean that no worker keeps up.",
            unit="s",
            thresholds=((None, "green"), (60, "yellow"), (300, "red")),
        ),
        stat(
            "Due", "SELECT due FROM ops.queue WHERE task = 'archive_workflow'", about="Workflows due and in no hands."
        ),
        stat(
            "Leased",
            "SELECT leased FROM ops.queue WHERE task = 'archive_workflow'",
            about="Workflows in workers' hands.",
        ),
        stat(
            "At risk",
            "SELECT count(*) AS workflows FROM ops.at_risk",
            about="Workflows that Civitai forgets within a week and that are not safe.",
            thresholds=panels.NONE_WANTED,
        ),
        stat(
            "Given up",
            "SELECT count(*) AS given_up FROM ops.not_kept WHERE state = 'dead' AND $__timeFilter(settled_at)",
            about="Workflows and results that we gave up: civitai-archive redrive tries them again.",
            thresholds=panels.NONE_WANTED,
        ),
        stat(
            "Damaged",
            "SELECT count(*) AS objects FROM ops.damaged",
            about="Objects whose bytes are not what their digest says.",
            thresholds=panels.NONE_WANTED,
        ),
        stat(
            "Pauses",
            "SELECT count(*) AS pauses FROM ops.pauses WHERE holds",
            about="Reasons for which Civitai is not called now.",
            thresholds=panels.NONE_WANTED,
        ),
        stat(
            "Last callback",
            """
SELECT extract(epoch FROM now() - max(last_received_at)) AS seconds
FROM ops.callbacks
WHERE hour > now() - interval '2 days'
""",
            about="How long ago the last callback came.",
            unit="s",
            thresholds=((None, "green"), (3600, "yellow"), (86400, "red")),
        ),
        stat(
            "Spool files being replayed",
            "SELECT count(*) AS files FROM ops.spools",
            about="Files in which the receiver kept events while PostgreSQL was away.",
            thresholds=((None, "green"), (1, "yellow")),
        ),
        stat(
            "Last reconcile",
            """
SELECT extract(epoch FROM now() - max(finished_at)) AS seconds
FROM ops.listings
WHERE purpose = 'reconcile'
""",
            about="How long ago Civitai's list of workflows was last compared with ours.",
            unit="s",
            thresholds=((None, "green"), (3600, "yellow"), (21600, "red")),
        ),
        stat(
            "Quarantined",
            "SELECT count(*) AS deliveries FROM ops.quarantine WHERE $__timeFilter(last_received_at)",
            about="Authenticated deliveries that are no events we can read.",
            thresholds=((None, "green"), (1, "yellow")),
        ),
        stat(
            "Drift", "SELECT count(*) AS kinds FROM ops.drift", about="Kinds of things that this release does not know."
        ),
        series(
            "From a workflow's end to archived",
            """
SELECT hour AS time, p50_seconds AS p50, p95_seconds AS p95, p99_seconds AS p99
FROM ops.archive_lag
WHERE $__timeFilter(hour)
ORDER BY time
""",
            about="Seconds from the callback of the end until every result is settled.",
            unit="s",
        ),
        series(
            "Failed tries",
            """
SELECT hour AS time, reason, sum(tries) AS tries
FROM ops.failures
WHERE $__timeFilter(hour)
GROUP BY time, reason
ORDER BY time
""",
            about="Tries of ours that failed, by reason. Most are tried again by themselves.",
            stacked=True,
            bars=True,
        ),
        table(
            "At risk",
            """
SELECT workflow_id, deadline_at, seconds_left, pending_results, failures, last_error, cost, currency
FROM ops.at_risk
ORDER BY deadline_at
LIMIT 100
""",
            about="What Civitai forgets within a week and is not safe yet, the nearest first.",
            units={"seconds_left": "s"},
        ),
        table(
            "Why tries fail",
            """
SELECT subject, http_status, reason, sum(tries) AS tries, max(last_at) AS last_at, max(example_workflow_id) AS example
FROM ops.failures
WHERE $__timeFilter(hour)
GROUP BY subject, http_status, reason
ORDER BY tries DESC
LIMIT 50
""",
            about="Each reason with the workflow of one of its cases.",
            w=24,
        ),
        table(
            "The gateway's keys",
            "SELECT name, scopes, calls_per_minute, last_used_at, revoked_at FROM ops.gateway_keys ORDER BY name",
            about="Who may ask the gateway, and when somebody last did.",
            w=12,
        ),
        table(
            "Pauses",
            "SELECT cause, since, until, holds, reason FROM ops.pauses ORDER BY until DESC",
            about="Times in which nobody calls Civitai.",
            w=12,
        ),
    ],
)
