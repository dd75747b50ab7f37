"""The worker on one screen: its tasks, its schedule, what it starts and stops."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, cast

import structlog
from arq import cron, func
from arq.cron import CronJob
from arq.typing import WorkerCoroutine

from archive import database, entry_points, queue, settings
from archive.storage_errors import StorageUnavailable
from orchestration import errors
from worker import (
    archive_workflow,
    civitai,
    close_segments,
    count_hours,
    metrics,
    prune,
    reconcile,
    sweep,
    tools,
    verify,
)

DRAIN = timedelta(seconds=25)
"""After SIGTERM: how long what has begun may take to end before it is released for others."""

LONGEST_TASK = timedelta(hours=12)
POLL = timedelta(milliseconds=100)
TASKS_AT_ONCE = 32
"""Messages, each of `queue.TOGETHER` workflows at most."""

CLEAR_AT_MOST = timedelta(minutes=5)
CLOSE_AT_MOST = timedelta(minutes=5)
VERIFY_AT_MOST = timedelta(hours=1)
SWEEP_SECONDS = set(range(0, 60, 2))
COUNT_SECONDS = {5, 25, 50}
COUNT_AT_MOST = timedelta(seconds=90)
RECONCILE_MINUTES = set(range(0, 60, 5))
RECONCILE_AT_MOST = timedelta(minutes=4)
"""What is left after that is done by the next one."""
PRUNE_AT_MOST = timedelta(minutes=50)
REMOVE_AT_MOST = timedelta(minutes=9)
REMOVE_MINUTES = set(range(2, 60, 10))

Context = dict[str, Any]
Task = Callable[[Context], Awaitable[None]]

log = structlog.get_logger()


async def start_up(context: Context) -> None:
    """Open the tools that the tasks share."""
    context["closing"] = closing = AsyncExitStack()
    closing.enter_context(metrics.served(context["settings"]))
    context["tools"] = await closing.enter_async_context(tools.open_tools(context["settings"]))
    log.info("the worker is up", storage=context["settings"].storage_url)


async def shut_down(context: Context) -> None:
    """Close them again."""
    await context["closing"].aclose()


async def run_archive_workflow(context: Context, *workflow_ids: str) -> None:
    """The task behind `queue.ARCHIVE_WORKFLOW`. Of the workflows of a message none waits for another."""
    await queue.take_out(context["redis"], context["job_id"])
    each = (_archive(context["tools"], workflow_id) for workflow_id in workflow_ids)
    for outcome in await asyncio.gather(*each, return_exceptions=True):
        if outcome is not None:
            raise outcome


async def _archive(hands: tools.Tools, workflow_id: str) -> None:
    await _unless_away(
        archive_workflow.archive_workflow(hands, workflow_id), "what is due stays due", workflow=workflow_id
    )


async def run_sweep(context: Context) -> None:
    """The scheduled sweep."""
    await _unless_away(sweep.sweep(context["tools"]), "the next sweep will look again")


async def run_clear_abandoned(context: Context) -> None:
    """The scheduled clearing of what could not be removed when it broke off, while storage was away."""
    await asyncio.to_thread(context["tools"].storage.clear_abandoned)


async def run_close_segments(context: Context) -> None:
    """The scheduled writing to storage of what was told."""
    await _unless_away(close_segments.close(context["tools"]), "what was told is written to storage later")


async def run_verify(context: Context) -> None:
    """The scheduled look at what is stored."""
    await _unless_away(verify.roll(context["tools"]), "what is stored is looked at later")


async def run_count_hours(context: Context) -> None:
    """The scheduled counting of what dashboards show."""
    await _unless_away(count_hours.count_hours(context["tools"].engine), "hours are counted later")


async def run_reconcile(context: Context) -> None:
    """The scheduled reconcile. One worker runs it at a time; what it does not finish, the next one does."""
    hands: tools.Tools = context["tools"]
    reconciling = reconcile.reconcile(hands, public_url=hands.config.public_url)
    try:
        await _unless_away(reconciling, "the next reconcile goes on")
    except civitai.Paused:
        log.warning("nothing is listed while calls pause; the next reconcile goes on")
    except errors.OrchestrationError as error:
        log.error("could not list Civitai's workflows; the next reconcile goes on", error=str(error))


async def run_prune(context: Context) -> None:
    """The rules of retention, as scheduled."""
    hands: tools.Tools = context["tools"]
    rules, grace = hands.config.prune_rules, hands.config.prune_grace
    if rules:
        pruning = prune.prune(hands.engine, hands.storage, hands.browse, rules, grace=grace)
        await _unless_away(pruning, "what is to be deleted is deleted later")


async def run_remove(context: Context) -> None:
    """What rules of retention have left to be done in storage, as scheduled."""
    hands: tools.Tools = context["tools"]
    await _unless_away(prune.remove(hands.engine, hands.storage), "what is to be deleted is deleted later")


async def _unless_away(work: Awaitable[object], then: str, **subject: str) -> None:
    """Do the work. If the database or storage is away, say so, and what happens `then`: nothing is lost."""
    try:
        await work
    except Exception as error:
        if not database.is_unavailable(error) and not isinstance(error, StorageUnavailable):
            raise
        what = "storage" if isinstance(error, StorageUnavailable) else "the database"
        sentence = f"{what} is away; {then}"
        log.error(sentence, error=repr(error), **subject)


def worker_settings(config: settings.Settings) -> dict[str, Any]:
    """What arq's Worker is made of, for these settings. Raises SettingsError when they lack what a worker needs."""
    # Asked for now: within arq, a start-up that lacks them would end in a traceback.
    config.required_api_token()
    config.required_database_url()
    return {
        "functions": [
            func(
                cast(WorkerCoroutine, run_archive_workflow),
                name=queue.ARCHIVE_WORKFLOW,
                timeout=LONGEST_TASK,
                max_tries=1,
                keep_result=0,
            )
        ],
        "cron_jobs": [
            _scheduled("sweep", run_sweep, at_most=timedelta(seconds=30), second=SWEEP_SECONDS),
            _scheduled("reconcile", run_reconcile, at_most=RECONCILE_AT_MOST, minute=RECONCILE_MINUTES, second=15),
            _scheduled("clear_abandoned", run_clear_abandoned, at_most=CLEAR_AT_MOST, minute={37}, second=45),
            _scheduled("prune", run_prune, at_most=PRUNE_AT_MOST, minute={7}, second=45),
            _scheduled("remove", run_remove, at_most=REMOVE_AT_MOST, minute=REMOVE_MINUTES, second=45),
            _scheduled("count_hours", run_count_hours, at_most=COUNT_AT_MOST, second=COUNT_SECONDS),
            _scheduled("verify", run_verify, at_most=VERIFY_AT_MOST, second=30),
            _scheduled("close_segments", run_close_segments, at_most=CLOSE_AT_MOST, second=45),
        ],
        "on_startup": start_up,
        "on_shutdown": shut_down,
        "ctx": {"settings": config},
        "queue_name": queue.NAME,
        "redis_settings": queue.redis_settings(config.required_redis_url()),
        "job_serializer": queue.serialize,
        "job_deserializer": queue.deserialize,
        "job_completion_wait": int(DRAIN.total_seconds()),
        "keep_result": 0,
        "max_jobs": TASKS_AT_ONCE,
        "poll_delay": POLL,
    }


def _scheduled(
    name: str, task: Task, *, at_most: timedelta, second: int | set[int], minute: set[int] | None = None
) -> CronJob:
    """Have one of the workers do this whenever the clock says so; what fails waits for its next time."""
    return cron(
        cast(WorkerCoroutine, task),
        name=name,
        minute=minute,
        second=second,
        timeout=at_most,
        max_tries=1,
        keep_result=0,
    )


def _as_class(config: settings.Settings) -> type:
    """The same as attributes of a class, which is how the arq command reads them."""
    return type("WorkerSettings", (), worker_settings(config))


__getattr__ = entry_points.on_demand("WorkerSettings", _as_class)
"""`worker.main.WorkerSettings`, for the arq command."""
