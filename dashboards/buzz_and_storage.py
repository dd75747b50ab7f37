"""What was spent, what was paid for and not delivered, and what fills the storage."""

from dashboards import panels, variables
from dashboards.panels import series, stat, table
from dashboards.variables import OF_STEP_TYPE, OF_TAG, OF_TAGS

BOARD = panels.board(
    "civitai-archive-buzz",
    "civitai-archive: Buzz and storage",
    "What was spent and on what, what was paid for and not delivered, and what fills the storage.",
    [
        stat(
            "Spent",
            f"SELECT coalesce(sum(cost), 0) AS cost FROM ops.buzz WHERE $__timeFilter(day) AND {OF_STEP_TYPE}",
            about="In whatever currency; Civitai's is Buzz.",
            w=6,
        ),
        stat(
            "Paid and not delivered",
            f"""
SELECT coalesce(sum(cost), 0) AS cost FROM ops.paid_not_delivered WHERE $__timeFilter(submitted_at) AND {OF_TAGS}
""",
            about="The cost of workflows that failed or lack results.",
            thresholds=((None, "green"), (1, "yellow")),
            w=6,
        ),
        stat(
            "Grown by",
            "SELECT coalesce(sum(new_bytes), 0) AS bytes FROM ops.storage WHERE $__timeFilter(day)",
            about="Bytes that were not in storage before.",
            unit="bytes",
            w=6,
        ),
        stat(
            "Was there already",
            """
SELECT 1 - sum(new_bytes)::double precision / nullif(sum(bytes), 0) AS share
FROM ops.storage
WHERE $__timeFilter(day)
""",
            about="The part of what was delivered that needed no room.",
            unit="percentunit",
            w=6,
        ),
        series(
            "Spent by step type",
            f"""
SELECT day AS time, step_type, sum(cost) AS cost
FROM ops.buzz
WHERE $__timeFilter(day) AND {OF_STEP_TYPE}
GROUP BY time, step_type
ORDER BY time
""",
            about="By the day of submission.",
            stacked=True,
            bars=True,
        ),
        series(
            "Spent by engine",
            f"""
SELECT day AS time, coalesce(engine, 'none named') AS engine, sum(cost) AS cost
FROM ops.buzz
WHERE $__timeFilter(day) AND {OF_STEP_TYPE}
GROUP BY time, coalesce(engine, 'none named')
ORDER BY time
""",
            about="By the day of submission.",
            stacked=True,
            bars=True,
        ),
        table(
            "Spent by tag",
            f"""
SELECT coalesce(tag, 'without') AS tag, currency, sum(workflows) AS workflows, sum(cost) AS cost
FROM ops.buzz_by_tag
WHERE $__timeFilter(day) AND {OF_TAG}
GROUP BY tag, currency
ORDER BY cost DESC NULLS LAST
LIMIT 100
""",
            about="A workflow counts for each of its tags, so these cannot be added up.",
            w=8,
        ),
        table(
            "Paid and not delivered",
            f"""
SELECT submitted_at, workflow_id, cost, currency, why, stored_results, results
FROM ops.paid_not_delivered
WHERE $__timeFilter(submitted_at) AND {OF_TAGS}
ORDER BY cost DESC
LIMIT 100
""",
            about="The dearest first.",
            w=16,
        ),
        series(
            "Storage by kind",
            """
SELECT day AS time, coalesce(kind, 'unknown') AS kind, sum(new_bytes) AS bytes
FROM ops.storage
WHERE $__timeFilter(day)
GROUP BY time, coalesce(kind, 'unknown')
ORDER BY time
""",
            about="New bytes by day.",
            unit="bytes",
            stacked=True,
            bars=True,
        ),
        series(
            "Results by nsfw level",
            """
SELECT day AS time, coalesce(nsfw_level, 'unknown') AS nsfw_level, sum(results) AS results
FROM ops.storage
WHERE $__timeFilter(day)
GROUP BY time, coalesce(nsfw_level, 'unknown')
ORDER BY time
""",
            about="Stored results by day.",
            stacked=True,
            bars=True,
        ),
    ],
    variables=[variables.TAG, variables.STEP_TYPE],
    since="now-30d",
)
