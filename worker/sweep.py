"""Ring again for what is due: the reason that Redis may forget everything at any time."""

from datetime import timedelta

import structlog

from archive import due, queue
from worker import civitai
from worker.tools import Tools

QUEUE_AT_MOST = 32
"""Messages in the queue after a sweep, of `queue.TOGETHER` workflows each: enough to keep every worker busy until the
next one, and few enough that a backlog never stands in front of a live result."""

BACKFILL_AT_ONCE = 24
"""Of what is backfilled, so many are under way at most, on all workers together: tasks stay free for what is live."""

UNANSWERED = timedelta(seconds=1)
"""What has been due for less is left to the bell that has just rung for it."""

log = structlog.get_logger()


async def sweep(tools: Tools) -> None:
    """Top the queue up with what is due and held by nobody, nearest deadline first; nothing is during a pause.

    What is backfilled comes last, and never fills the workers.
    """
    await civitai.probe(tools)
    room = queue.TOGETHER * (QUEUE_AT_MOST - await queue.waiting(tools.redis))
    if room <= 0:
        return
    async with tools.single.connect() as connection:
        live = await due.live(connection, room, unanswered=UNANSWERED)
        backfilled = await due.backfilled(connection, BACKFILL_AT_ONCE, unanswered=UNANSWERED)
    if swept := [*live, *backfilled][:room]:
        await queue.ring(tools.redis, swept, again=True)
        log.info("swept", workflows=len(swept))
