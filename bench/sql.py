"""How long dashboards wait on full tables: `python -m bench.sql` (make bench-sql).

Fills a database of its own (10 million events, 1 million workflows, 4 million results within 30 days; some 15 GB and
some minutes), counts its hours, and asks every panel, alert and view as the reader, for 24 hours and for 30 days: the
best of three, since a shared machine only ever adds. With --filled it asks a database that is there instead.
"""

import argparse
import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text

from archive import database, due
from bench import record, sql_fill
from bench.sql_plans import Plan, explain
from dashboards.queries import Query, of_alerts, of_boards
from embedded.supervisor import Supervisor
from migrations import ops
from migrations.upgrade import upgrade
from worker import count_hours

WINDOWS = {"24h": timedelta(hours=24), "30d": timedelta(days=30)}
GOALS_MS = {"24h": 500, "30d": 2000}
TRIES = 3

OF_ONE_WORKFLOW = ("steps", "jobs", "results", "events")
"""Lists that grow with the archive and have no time of their own: asked for one workflow."""

TIMES = {
    "announcements": "day",
    "archive_lag": "hour",
    "buzz": "day",
    "buzz_by_tag": "day",
    "callbacks": "hour",
    "civitai_failures": "day",
    "failures": "hour",
    "not_kept": "settled_at",
    "paid_not_delivered": "submitted_at",
    "storage": "day",
    "throughput": "hour",
    "throughput_by_tag": "hour",
}
"""The other views are asked whole, but for the newest hundred workflows."""


def main() -> int:
    """Fill, ask, print."""
    with history("bench.sql", "ask this database, as its owner and a superuser") as url:
        asyncio.run(_ask(url))
    return 0


@contextmanager
def history(module: str, of_filled: str) -> Iterator[str]:
    """The address of a database full of history: of the one that the command line names with --filled, or of a new one.

    `of_filled` says what is done to the former.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--workflows", type=int, default=1_000_000, help="ten events and four results each")
    parser.add_argument("--filled", metavar="DATABASE_URL", help=of_filled)
    arguments = parser.parse_args()
    if arguments.filled is not None:
        yield arguments.filled
        return
    with (
        tempfile.TemporaryDirectory(prefix="bench-sql-") as home,
        Supervisor(Path(home) / "home", durable=False) as addresses,
    ):
        upgrade(addresses.database_url)
        asyncio.run(_fill(addresses.database_url, arguments.workflows))
        yield addresses.database_url


async def _fill(url: str, workflows: int) -> None:
    """Write the history, tidy up, and count its hours."""
    began = time.monotonic()
    engine = database.create_engine(url, application_name="bench")
    await sql_fill.fill(engine, workflows=workflows, days=30)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM ANALYZE"))
    print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
    began = time.monotonic()
    await count_hours.count_hours(engine, seconds_at_most=math.inf)
    await engine.dispose()
    print(f"its hours counted in {time.monotonic() - began:.0f} s", flush=True)


async def _ask(url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"jit": "off"})
    events, workflows = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM public.events), (SELECT count(*) FROM public.workflows)"
    )
    last, example = await connection.fetchrow(
        "SELECT submitted_at, workflow_id FROM ops.workflows ORDER BY submitted_at DESC LIMIT 1"
    )
    settings = "; ".join(f"SET {setting}" for setting in ops.SETTINGS)
    await connection.execute(f"SET ROLE {ops.READER}; {settings}; SET statement_timeout = '60s'")
    figures: dict[str, list[Plan]] = {window: [] for window in WINDOWS}
    print(f"{'ms 24h':>8} {'ms 30d':>8} {'rows read 30d':>14}  what")
    for query in (*of_boards(), *of_alerts(), *_of_views()):
        asked = {}
        for window, length in WINDOWS.items():
            sql = query.substituted(last - length, last + timedelta(minutes=1), {"workflow": [example]})
            asked[window] = await _best(connection, f"{query.board}: {query.title}", sql)
            figures[window].append(asked[window])
        shown = asked["30d"]
        print(f"{asked['24h'].ms:8.0f} {shown.ms:8.0f} {shown.rows_read:14,}  {shown.what}\n{'':34}{shown.plan}")
    await connection.execute("RESET ALL; RESET ROLE")
    await _claims_touch_only_what_is_due(url, connection)
    await connection.close()
    worst = {window: max(plans, key=lambda plan: plan.ms) for window, plans in figures.items()}
    for window, plans in figures.items():
        late = [plan.what for plan in plans if plan.ms > GOALS_MS[window]]
        print(f"{window}: {len(plans) - len(late)} of {len(plans)} within {GOALS_MS[window]} ms; beyond: {late}")
    record.write(
        "sql",
        {
            "events": events,
            "workflows": workflows,
            "worst_ms_24h": round(worst["24h"].ms),
            "worst_ms_30d": round(worst["30d"].ms),
            "worst_view": worst["30d"].what,
        },
        asked={plan.what: {"ms_30d": round(plan.ms), "rows_read": plan.rows_read} for plan in figures["30d"]},
        asked_24h={plan.what: round(plan.ms) for plan in figures["24h"]},
    )


async def _best(connection: "asyncpg.Connection[Any]", what: str, sql: str) -> Plan:
    plans = [await explain(connection, what, sql) for _ in range(TRIES)]
    return min(plans, key=lambda plan: plan.ms)


def _of_views() -> Iterator[Query]:
    for view in ops.VIEWS:
        sql = f"SELECT * FROM ops.{view}"  # noqa: S608
        if view in OF_ONE_WORKFLOW:
            sql += " WHERE workflow_id = ${workflow:sqlstring}"
        elif view == "workflows":
            sql += " WHERE $__timeFilter(submitted_at) ORDER BY submitted_at DESC LIMIT 100"
        elif view in TIMES:
            sql += f" WHERE $__timeFilter({TIMES[view]})"
        yield Query("view", f"ops.{view}", "view", sql)


async def _claims_touch_only_what_is_due(url: str, connection: "asyncpg.Connection[Any]") -> None:
    """Print how long a sweep takes, beside what is due: tests/archive/test_plans.py holds it to its index."""
    workflows = await connection.fetchval("SELECT count(*) FROM public.workflows WHERE due_at IS NOT NULL")
    engine = database.create_engine(url, application_name="bench")
    async with engine.connect() as sweeping:
        await due.live(sweeping, 64, unanswered=timedelta(seconds=1))
        began = time.monotonic()
        await due.live(sweeping, 64, unanswered=timedelta(seconds=1))
        print(f"a sweep took {(time.monotonic() - began) * 1000:.0f} ms with {workflows:,} workflows due or waiting")
    await engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
