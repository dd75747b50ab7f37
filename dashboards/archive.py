"""What is kept, how fast, and what is not."""

from dashboards import panels, variables
from dashboards.panels import series, stat, table
from dashboards.variables import OF_STEP_TYPE, OF_TAG, OF_TAGS

BOARD = panels.board(
    "civitai-archive-archive",
    "civitai-archive: archive",
    "What is kept, how fast, and what is not.",
    [
        stat("Objects", "SELECT objects FROM ops.fixity", about="Contents in storage, each once."),
        stat("Stored", "SELECT bytes FROM ops.fixity", about="Their bytes.", unit="bytes"),
        stat(
            "Not verified for 30 days",
            "SELECT unverified_for_30_days AS objects FROM ops.fixity",
            about="Objects that nobody has read again for 30 days.",
            thresholds=((None, "green"), (1, "yellow")),
        ),
        stat(
            "Archived",
            "SELECT coalesce(sum(workflows), 0) AS workflows FROM ops.archive_lag WHERE $__timeFilter(hour)",
            about="Workflows that became whole in this time.",
        ),
        stat(
            "Withheld",
            "SELECT count(*) AS results FROM ops.not_kept WHERE state = 'withheld' AND $__timeFilter(settled_at)",
            about="Results that Civitai keeps back.",
        ),
        stat(
            "Gone or given up",
            "SELECT count(*) AS lost FROM ops.not_kept WHERE state <> 'withheld' AND $__timeFilter(settled_at)",
            about="What Civitai has no more, or we gave up.",
            thresholds=((None, "green"), (1, "yellow")),
        ),
        series(
            "Results stored",
            f"""
SELECT hour AS time, step_type, sum(results) AS results
FROM ops.throughput
WHERE $__timeFilter(hour) AND {OF_STEP_TYPE}
GROUP BY time, step_type
ORDER BY time
""",
            about="By hour and step type.",
            stacked=True,
            bars=True,
        ),
        series(
            "Bytes stored",
            f"""
SELECT hour AS time, coalesce(engine, step_type) AS engine, sum(bytes) AS bytes
FROM ops.throughput
WHERE $__timeFilter(hour) AND {OF_STEP_TYPE}
GROUP BY time, coalesce(engine, step_type)
ORDER BY time
""",
            about="By hour and engine, what was there already included.",
            unit="bytes",
            stacked=True,
            bars=True,
        ),
        series(
            "Workflows by tag",
            f"""
SELECT hour AS time, coalesce(tag, 'without') AS tag, sum(workflows) AS workflows
FROM ops.throughput_by_tag
WHERE $__timeFilter(hour) AND {OF_TAG}
GROUP BY time, tag
ORDER BY time
""",
            about="Workflows of which something was stored; one counts for each of its tags.",
            bars=True,
        ),
        table(
            "Newest workflows",
            f"""
SELECT workflow_id, submitted_at, state, status, told_status, step_types, stored_results, results, lag_seconds, cost
FROM ops.workflows
WHERE $__timeFilter(submitted_at) AND {OF_TAGS}
ORDER BY submitted_at DESC
LIMIT 100
""",
            about="What the API says (status) beside what callbacks told (told_status).",
            units={"lag_seconds": "s"},
            w=12,
            h=8,
        ),
        table(
            "Deleted by rules of retention",
            """
SELECT rule, what, count(*) AS deleted, sum(size) AS bytes, max(deleted_at) AS last_deleted_at
FROM ops.pruned
WHERE $__timeFilter(deleted_at)
GROUP BY rule, what
ORDER BY last_deleted_at DESC
""",
            about="What is gone because somebody wanted it so.",
            units={"bytes": "bytes"},
        ),
        table(
            "Not kept",
            f"""
SELECT settled_at, state, subject, workflow_id, step, path, evidence
FROM ops.not_kept
WHERE $__timeFilter(settled_at) AND {OF_TAGS}
ORDER BY settled_at DESC
LIMIT 100
""",
            about="Withheld, gone or given up, with the evidence.",
        ),
    ],
    variables=[variables.TAG, variables.STEP_TYPE],
)
