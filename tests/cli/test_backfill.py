"""Backfill and reconcile as commands: real processes, against a listing of generated pages."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import QueryParams

from orchestration.wire import JsonObject
from tests.cli import commands
from tests.worker import civitai as misbehaving
from tests.worker import rows
from tests.worker.civitai import Civitai
from tests.worker.listing import NOW, Listing, workflows
from tests.working import eventually


@pytest.fixture
async def civitai() -> AsyncIterator[Civitai]:
    async with misbehaving.running() as civitai:
        civitai.listing = Listing(workflows(350, days=7))
        yield civitai


@pytest.fixture
def customer(servers: dict[str, str], civitai: Civitai) -> dict[str, str]:
    return servers | {"CIVITAI_API_TOKEN": "a-token", "CIVITAI_API_URL": civitai.api_url}


async def heard(engine: AsyncEngine) -> int:
    return len(await rows.select(engine, "SELECT id FROM workflows WHERE due_at <= now() AND origin = 'backfill'"))


async def test_everything_is_listed_and_due(customer: dict[str, str], engine: AsyncEngine) -> None:
    dry = await commands.run("backfill", "--dry-run", environment=customer)
    assert dry.out == (
        "350 workflows listed; 350 of them never heard of, and 0 that had ended unannounced: would be due.\n"
    )
    assert await heard(engine) == 0
    done = await commands.run("backfill", environment=customer)
    assert (done.code, done.err) == (0, "backfill: 100%, 350 listed, 350 new, " + done.err.rpartition(", ")[2])
    assert done.out.startswith("350 workflows listed; 350 of them never heard of")
    assert await heard(engine) == 350


async def test_the_options_say_which(customer: dict[str, str], engine: AsyncEngine, civitai: Civitai) -> None:
    since, until = (f"{NOW - timedelta(days=days):%Y-%m-%d}" for days in (5, 3))
    chosen = ("--from", since, "--to", until, "--tag", "a", "--tag", "b", "--query", "cat")
    assert (await commands.run("backfill", *chosen, environment=customer)).code == 0
    assert isinstance(civitai.listing, Listing)
    asked = civitai.listing.asked[-1]
    assert asked["fromDate"] == f"{since}T00:00:00Z"
    assert asked["toDate"] == f"{until}T23:59:59.999999Z", "a day means to its end"
    assert (asked.getlist("tags"), asked["query"]) == (["a", "b"], "cat")
    assert 100 < await heard(engine) <= 150


async def test_after_a_kill_the_same_command_goes_on_at_its_page(
    customer: dict[str, str], engine: AsyncEngine, civitai: Civitai
) -> None:
    pages = civitai.listing
    assert isinstance(pages, Listing)
    call = "GET /v2/consumer/workflows"

    def hold_the_third(query: QueryParams) -> JsonObject | int:
        if query.get("cursor") == "200":
            civitai.gate(call)
        return pages(query)

    civitai.listing = hold_the_third
    async with commands.started("backfill", environment=customer) as backfill:
        await at_the_gate(civitai, call)
        # The third page is asked for while the second is still taken in.
        await eventually(lambda: reached(engine, "200"), what="the second page taken in")
        backfill.send(signal.SIGKILL)
        await backfill.ends()
    civitai.gates.pop(call).opened.set()
    civitai.listing = pages
    pages.asked.clear()
    done = await commands.run("backfill", environment=customer)
    assert done.out.startswith("350 workflows listed; 350 of them never heard of")
    assert [query.get("cursor") for query in pages.asked if query["take"] == "100"][-2:] == ["200", "300"]
    assert await heard(engine) == 350


async def reached(engine: AsyncEngine, cursor: str) -> bool:
    return bool(await rows.select(engine, "SELECT id FROM listings WHERE cursor = :cursor", cursor=cursor))


async def at_the_gate(civitai: Civitai, call: str) -> None:
    """Wait until a request stands at the gate."""

    async def stands() -> bool:
        return call in civitai.gates and civitai.gates[call].arrived.is_set()

    await eventually(stands, what="the third page")


async def test_ctrl_c_says_how_to_go_on(customer: dict[str, str], civitai: Civitai) -> None:
    call = "GET /v2/consumer/workflows"
    civitai.gate(call)
    async with commands.started("backfill", environment=customer) as backfill:
        await at_the_gate(civitai, call)
        backfill.send(signal.SIGINT)
        assert await backfill.ends() == 130
        assert "the same command goes on from the page where it stopped" in backfill.said()
    civitai.gates.pop(call).opened.set()


async def test_two_operators_at_once_do_no_harm(customer: dict[str, str], engine: AsyncEngine) -> None:
    done = await asyncio.gather(*(commands.run("backfill", environment=customer) for _ in range(2)))
    assert [one.code for one in done] == [0, 0]
    assert await heard(engine) == 350
    walked = await rows.select(engine, "SELECT listed, unheard FROM listings ORDER BY id")
    assert sum(row["unheard"] for row in walked) == 350
    assert {row["listed"] for row in walked} == {350}


async def test_a_refused_token_is_told_and_pauses_nobody(
    customer: dict[str, str], engine: AsyncEngine, civitai: Civitai
) -> None:
    civitai.listing = 401
    (await commands.run("backfill", environment=customer)).assert_failed(3, "Civitai refused the API token")
    assert await rows.select(engine, "SELECT cause FROM pauses") == []


async def test_a_pause_is_waited_for(customer: dict[str, str], engine: AsyncEngine) -> None:
    await rows.execute(engine, "INSERT INTO pauses VALUES ('rate', now(), now() + interval '10 s', 'too many')")
    done = await commands.run("backfill", environment=customer)
    assert done.code == 0
    assert "backfill: calls pause until" in done.err
    assert await heard(engine) == 350


async def test_what_makes_no_sense_is_usage(customer: dict[str, str]) -> None:
    done = await commands.run("backfill", "--from", "2026-11-02", "--to", "2026-11-01", environment=customer)
    done.assert_failed(2, "--from is later than --to")


async def test_reconcile_says_what_it_found(customer: dict[str, str], engine: AsyncEngine) -> None:
    done = await commands.run("reconcile", environment=customer)
    assert done.code == 0
    assert done.out.startswith(("49 workflows listed since ", "50 workflows listed since "))
    row = await rows.one(engine, "SELECT purpose, finished_at, unheard FROM listings")
    assert (row["purpose"], row["finished_at"] is None, row["unheard"] in (49, 50)) == ("reconcile", False, True)
