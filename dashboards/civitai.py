"""How Civitai tells us things, and what goes wrong on its side."""

from dashboards import panels, variables
from dashboards.panels import series, table
from dashboards.variables import OF_SOURCE, OF_STEP_TYPE

BOARD = panels.board(
    "civitai-archive-civitai",
    "civitai-archive: Civitai's delivery and failures",
    "How Civitai tells us things, and what goes wrong on its side.",
    [
        series(
            "Callbacks",
            f"""
SELECT hour AS time, scope, sum(facts) AS facts
FROM ops.callbacks
WHERE $__timeFilter(hour) AND {OF_SOURCE}
GROUP BY time, scope
ORDER BY time
""",
            about="Things told, by hour; two bodies of one fact count once.",
            stacked=True,
            bars=True,
        ),
        series(
            "Time to us",
            f"""
SELECT hour AS time, max(p50_latency_seconds) AS p50, max(p95_latency_seconds) AS p95
FROM ops.callbacks
WHERE $__timeFilter(hour) AND scope = 'workflow' AND {OF_SOURCE}
GROUP BY time
ORDER BY time
""",
            about="Seconds from what happened to its first delivery, of the slowest source.",
            unit="s",
        ),
        series(
            "Delivered again",
            f"""
SELECT hour AS time, source, sum(duplicates) AS duplicates
FROM ops.callbacks
WHERE $__timeFilter(hour) AND {OF_SOURCE}
GROUP BY time, source
ORDER BY time
""",
            about="Deliveries of what was there already, by source.",
            stacked=True,
            bars=True,
        ),
        series(
            "Late and lost ends",
            f"""
SELECT day::timestamptz AS time, coalesce(source, 'unknown source') AS source, late, lost
FROM ops.announcements
WHERE $__timeFilter(day::timestamptz) AND {OF_SOURCE}
ORDER BY time
""",
            about="Ends that Civitai announced after more than a minute, or never, by their day and source. "
            "Of what nothing came at all the source is unknown.",
            stacked=True,
            bars=True,
        ),
        series(
            "Jobs that failed there",
            f"""
SELECT day AS time, coalesce(reason, status) AS reason, sum(jobs) AS jobs
FROM ops.civitai_failures
WHERE $__timeFilter(day) AND {OF_STEP_TYPE}
GROUP BY time, coalesce(reason, status)
ORDER BY time
""",
            about="By day and reason.",
            stacked=True,
            bars=True,
        ),
        table(
            "Why jobs fail there",
            f"""
SELECT step_type, provider, status, reason, sum(jobs) AS jobs, max(example_workflow_id) AS example
FROM ops.civitai_failures
WHERE $__timeFilter(day) AND {OF_STEP_TYPE}
GROUP BY step_type, provider, status, reason
ORDER BY jobs DESC
LIMIT 100
""",
            about="Reasons are told by callbacks alone.",
            w=12,
            h=8,
        ),
        table(
            "Told and fetched differ",
            """
SELECT submitted_at, workflow_id, told_status, status, state, end_received_at, fetched_at
FROM ops.workflows
WHERE $__timeFilter(submitted_at) AND told_status IS DISTINCT FROM status
ORDER BY submitted_at DESC
LIMIT 100
""",
            about="Where callbacks and the API say different things: one of them is late, or was lost.",
            w=12,
        ),
        table(
            "Drift",
            """
SELECT kind, what, reason, seen, last_seen_at, example_workflow_id AS example
FROM ops.drift
ORDER BY seen DESC
""",
            about="Shapes, step types and statuses that this release does not know.",
            w=12,
        ),
        table(
            "Quarantine",
            """
SELECT last_received_at, quarantine_id, source, reason, size, deliveries
FROM ops.quarantine
WHERE $__timeFilter(last_received_at)
ORDER BY last_received_at DESC
LIMIT 100
""",
            about="Deliveries that are no events; civitai-archive quarantine shows them whole.",
            units={"size": "bytes"},
        ),
    ],
    variables=[variables.SOURCE, variables.STEP_TYPE],
    since="now-7d",
)
