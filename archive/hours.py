"""Counting by the hour: what dashboards ask of millions of rows is counted once, and again when it changes.

The newest hours are counted at every run. Who changes rows of an older one says so with `recount` in the same
transaction, and the next run counts it again.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables

HOUR = timedelta(hours=1)
SETTLES = timedelta(minutes=30)
"""A change to what is older than this has to be told."""

NEW = timedelta(minutes=65)
"""An hour is counted at every run until so long after its end: well beyond SETTLES, for clocks that differ and for
transactions that are under way."""

_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
_LOCK = 0x686F7572  # "hour"

_hours = tables.hours.c
_recounts = tables.recounts.c

_ADD_MISSING = text(
    """
    WITH known AS (SELECT min(hour) AS first, max(hour) AS last FROM hours),
    history AS (
        SELECT least((SELECT min(coalesce(created_at, heard_at)) FROM workflows
                      WHERE coalesce(created_at, heard_at) > '2020-01-01Z'),
                     (SELECT first_received_at FROM events ORDER BY id LIMIT 1),
                     (SELECT min(hour) FROM recounts WHERE hour > '2020-01-01Z')) AS first
    )
    INSERT INTO hours (hour)
    SELECT generate_series(
        date_bin('1 hour', CASE WHEN history.first < known.first THEN history.first
                                ELSE coalesce(known.last, history.first) END, '2000-01-01Z'),
        now(), '1 hour')
    FROM history, known
    ON CONFLICT DO NOTHING
    """
)
"""What claims to be older than Civitai is counted nowhere."""

_COUNTS = {
    "callback_hours": """
        SELECT :hour, source, scope, count(*), count(*) FILTER (WHERE is_first), sum(deliveries),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY latency),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY latency), max(latency), max(last_received_at)
        FROM (
            SELECT source, scope, deliveries, last_received_at,
                   extract(epoch FROM first_received_at - occurred_at)::double precision AS latency,
                   NOT EXISTS (
                       SELECT FROM events AS other
                       WHERE other.workflow_id = told.workflow_id AND other.scope = told.scope
                         AND other.step_name IS NOT DISTINCT FROM told.step_name
                         AND other.job_id IS NOT DISTINCT FROM told.job_id
                         AND other.status IS NOT DISTINCT FROM told.status
                         AND other.occurred_at IS NOT DISTINCT FROM told.occurred_at
                         AND (other.first_received_at, other.id) < (told.first_received_at, told.id)
                   ) AS is_first
            FROM events AS told
            WHERE first_received_at >= :hour AND first_received_at < :next
        ) AS event
        GROUP BY source, scope
        """,
    "archived_hours": """
        SELECT :hour, count(*),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY lag), percentile_cont(0.95) WITHIN GROUP (ORDER BY lag),
               percentile_cont(0.99) WITHIN GROUP (ORDER BY lag), max(lag)
        FROM (
            SELECT greatest(extract(epoch FROM archived_at - coalesce(end_received_at, heard_at)), 0)::double precision
                       AS lag
            FROM workflows
            WHERE archived_at >= :hour AND archived_at < :next
        ) AS archived
        HAVING count(*) > 0
        """,
    "stored_hours": """
        SELECT :hour, steps.type, steps.engine, count(DISTINCT results.workflow_id), count(*), sum(objects.size)
        FROM results
        JOIN objects ON objects.digest = results.object_digest
        LEFT JOIN steps ON steps.workflow_id = results.workflow_id AND steps.name = results.step
        WHERE results.stored_at >= :hour AND results.stored_at < :next
        GROUP BY steps.type, steps.engine
        """,
    "stored_tag_hours": """
        SELECT :hour, tag, count(DISTINCT results.workflow_id), count(*), sum(objects.size)
        FROM results
        JOIN objects ON objects.digest = results.object_digest
        JOIN workflows ON workflows.id = results.workflow_id
        LEFT JOIN LATERAL (SELECT DISTINCT unnest(workflows.tags) AS tag) AS tags ON true
        WHERE results.stored_at >= :hour AND results.stored_at < :next
        GROUP BY tag
        """,
    "storage_hours": """
        SELECT :hour, kind, nsfw_level, count(*), sum(size), count(*) FILTER (WHERE is_first),
               coalesce(sum(size) FILTER (WHERE is_first), 0)
        FROM (
            SELECT kind, nsfw_level, size,
                   NOT EXISTS (
                       SELECT FROM results AS other
                       WHERE other.object_digest = results.object_digest
                         AND (other.stored_at, other.id) < (results.stored_at, results.id)
                   ) AS is_first
            FROM results
            JOIN objects ON objects.digest = results.object_digest
            WHERE results.stored_at >= :hour AND results.stored_at < :next
        ) AS stored
        GROUP BY kind, nsfw_level
        """,
    "spent_hours": """
        SELECT :hour, type, engine, currency, count(*), sum(coalesce(cost, left_over / nullif(silent, 0)))
        FROM (
            SELECT steps.type, steps.engine, workflows.currency, steps.cost,
                   greatest(workflows.cost - coalesce(sum(steps.cost) OVER workflow, 0), 0) AS left_over,
                   count(*) FILTER (WHERE steps.cost IS NULL) OVER workflow AS silent
            FROM workflows JOIN steps ON steps.workflow_id = workflows.id
            WHERE coalesce(workflows.created_at, workflows.heard_at) >= :hour
              AND coalesce(workflows.created_at, workflows.heard_at) < :next
            WINDOW workflow AS (PARTITION BY workflows.id)
        ) AS step
        GROUP BY type, engine, currency
        """,
    "spent_tag_hours": """
        SELECT :hour, tag, currency, count(*), sum(cost)
        FROM workflows LEFT JOIN LATERAL (SELECT DISTINCT unnest(tags) AS tag) AS tags ON true
        WHERE coalesce(created_at, heard_at) >= :hour AND coalesce(created_at, heard_at) < :next
        GROUP BY tag, currency
        """,
}
_CLEAR = {table: text(f"DELETE FROM {table} WHERE hour = :hour") for table in _COUNTS}  # noqa: S608 - names of ours
_COUNT = {table: text(f"INSERT INTO {table} {counted}") for table, counted in _COUNTS.items()}


async def add_missing(connection: AsyncConnection) -> None:
    """Have a row for every hour from the first thing that we know of until now."""
    await connection.execute(_ADD_MISSING)
    await connection.execute(delete(tables.recounts).where(_recounts.hour.not_in(select(_hours.hour))))


async def due(connection: AsyncConnection) -> Sequence[datetime]:
    """The hours that have to be counted now, newest first."""
    newest = func.date_bin(HOUR, func.now() - NEW, _ORIGIN)
    changed = _hours.hour.in_(select(_recounts.hour))
    query = select(_hours.hour).where(or_(_hours.counted_at.is_(None), _hours.hour >= newest, changed))
    return (await connection.execute(query.order_by(_hours.hour.desc()))).scalars().all()


async def count(connection: AsyncConnection, hour: datetime) -> bool:
    """Count an hour anew, in a transaction of its own; False when another worker is counting."""
    if not (await connection.execute(select(func.pg_try_advisory_xact_lock(_LOCK)))).scalar_one():
        return False
    # Forgotten first: a change that is committed later is in the counts or has its own row here, or both.
    await connection.execute(delete(tables.recounts).where(_recounts.hour == hour))
    for table in _COUNTS:
        await connection.execute(_CLEAR[table], {"hour": hour})
        await connection.execute(_COUNT[table], {"hour": hour, "next": hour + HOUR})
    await connection.execute(update(tables.hours).where(_hours.hour == hour).values(counted_at=func.now()))
    return True


async def recount(connection: AsyncConnection, moments: Iterable[datetime]) -> None:
    """Say that something has changed that happened at these moments. Of new ones nobody has to say so."""
    settled_at = datetime.now(UTC) - SETTLES
    old = [moment.astimezone(UTC) for moment in moments if _ORIGIN < moment < settled_at]
    changed = {moment.replace(minute=0, second=0, microsecond=0) for moment in old}
    if changed:
        await connection.execute(insert(tables.recounts), [{"hour": hour} for hour in sorted(changed)])
