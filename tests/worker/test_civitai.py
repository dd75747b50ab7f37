"""Calls to Civitai's API: pauses that all workers keep, and whose fault a refusal is."""

import asyncio
import dataclasses
import time
from datetime import timedelta

import pytest
from aiolimiter import AsyncLimiter

from archive import due, pauses
from orchestration import errors
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker import civitai as calls
from worker.archive_workflow import archive_workflow
from worker.sweep import sweep
from worker.tools import Tools


async def holding(tools: Tools) -> dict[str, pauses.Pause]:
    async with tools.engine.connect() as connection:
        return {pause.cause: pause for pause in await pauses.holding(connection)}


async def let_the_pause_wear_on(tools: Tools, seconds: float) -> None:
    await rows.execute(tools.engine, "UPDATE pauses SET until = until - make_interval(secs => :s)", s=seconds)


async def no_try_was_used_up(tools: Tools) -> bool:
    row = await rows.one(tools.engine, "SELECT failures, due_at <= now() AS due, leased_until FROM workflows")
    tried = await rows.select(tools.engine, "SELECT * FROM attempts")
    return (row["failures"], row["due"], row["leased_until"], list(tried)) == (0, True, None, [])


async def test_a_429_pauses_every_worker_for_as_long_as_it_says(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"], civitai.retry_after = 429, "120"
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    pause = (await holding(tools))["rate"]
    assert timedelta(seconds=110) < pause.until - pause.since <= timedelta(seconds=120)
    assert await no_try_was_used_up(tools)

    civitai.workflows["w"] = document("w", step("s"))
    await archive_workflow(tools, "w")
    await sweep(tools)
    assert civitai.calls.count("GET /v2/consumer/workflows/w") == 1
    async with tools.engine.connect() as connection:
        assert await due.live(connection, 10, unanswered=timedelta(0)) == []

    await let_the_pause_wear_on(tools, 121)
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)


async def test_a_429_without_a_time_pauses_briefly_and_an_absurd_one_for_an_hour(
    tools: Tools, civitai: Civitai
) -> None:
    civitai.workflows["w"] = 429
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    pause = (await holding(tools))["rate"]
    assert pause.until - pause.since == calls.RATE_PAUSE
    civitai.retry_after = "999999999"
    with pytest.raises(calls.Paused):
        await calls.ask(tools, lambda: tools.api.get("w"))
    pause = (await holding(tools))["rate"]
    assert timedelta(minutes=59) < pause.until - pause.since <= timedelta(minutes=61)


async def test_a_refused_token_pauses_all_fetching_until_it_works_again(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = civitai.listing = 401
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert "refused the API token" in (await holding(tools))["credentials"].reason
    assert await no_try_was_used_up(tools)

    # The sweep tries the token again before the pause is over, and keeps it up.
    await let_the_pause_wear_on(tools, 30)
    await sweep(tools)
    began = (await holding(tools))["credentials"].since
    assert (await holding(tools))["credentials"].until - began > timedelta(seconds=50)

    civitai.workflows["w"], civitai.listing = document("w", step("s")), {"items": []}
    await let_the_pause_wear_on(tools, 30)
    await sweep(tools)
    assert await holding(tools) == {}
    await archive_workflow(tools, "w")
    assert await rows.archived(tools.engine)


async def test_a_403_on_one_workflow_is_that_workflows_own(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = 403
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert await holding(tools) == {}
    row = await rows.one(tools.engine, "SELECT failures, dead_at, due_at FROM workflows")
    assert (row["failures"], row["dead_at"], row["due_at"] is None) == (1, None, False)


async def test_a_canary_that_fails_for_another_reason_confirms_no_refusal(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"], civitai.listing = 403, 503
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert await holding(tools) == {}


async def test_a_403_that_the_canary_confirms_is_everybodys(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = civitai.listing = 403
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    assert "credentials" in await holding(tools)
    assert await no_try_was_used_up(tools)


@pytest.mark.parametrize(("answer", "cause"), [(429, "rate"), (401, "credentials")])
async def test_a_pause_that_begins_at_a_refresh_costs_no_try_and_stops_no_other_download(
    tools: Tools, civitai: Civitai, answer: int, cause: str
) -> None:
    good = blob("good", civitai.serves("good", content(picture(b"a good one"))))
    civitai.workflows["w"] = document("w", step("s", blob("bad", None), good))
    civitai.refreshed["bad"] = civitai.listing = answer
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    bad_row, good_row = await rows.results(tools.engine)
    assert (bad_row["attempts"], bad_row["settled"]) == (0, 0)
    assert good_row["stored_at"] is not None
    assert cause in await holding(tools)


async def test_calls_keep_to_the_rate_that_is_set(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = document("w")
    tools = dataclasses.replace(tools, calls=AsyncLimiter(5, 1))
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(calls.ask(tools, lambda: tools.api.get("w")))
    assert time.monotonic() - began > 0.4


async def test_a_server_error_pauses_nobody(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = 503
    with pytest.raises(errors.ServerError):
        await calls.ask(tools, lambda: tools.api.get("w"))
    assert await holding(tools) == {}
