"""The quarantine from a shell: what is there, verbatim, and read again."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import quarantine
from archive.quarantine import Unread
from tests.archive.factories import delivery, rows, workflow_event
from tests.cli import commands


@pytest.fixture
async def quarantined(engine: AsyncEngine) -> list[int]:
    """One that is an event by now, and one that is none and never will be; their ids."""
    event = delivery(workflow_event("wf", "succeeded"))
    async with engine.begin() as connection:
        for unread in (
            Unread("of old", "first", {}, event.body),
            Unread("not JSON", "first", {"a": ["b"]}, b"\x00\x1b["),
        ):
            await quarantine.add(connection, [unread])
        return list(await quarantine.ids(connection))


async def ask(environment: dict[str, str], *words: str) -> commands.Done:
    return await commands.run("quarantine", *words, environment=environment)


async def test_it_lists_the_newest_first(servers: dict[str, str], quarantined: list[int]) -> None:
    done = await ask(servers, "list", "--json", "--count", "1")
    row = json.loads(done.out)
    assert (done.code, row["id"], row["reason"], row["size"]) == (0, quarantined[1], "not JSON", 3)


async def test_it_shows_one_verbatim(servers: dict[str, str], quarantined: list[int]) -> None:
    done = await ask(servers, "show", str(quarantined[1]))
    assert (done.code, done.out.encode()) == (0, b"\x00\x1b[")
    assert "reason: not JSON" in done.err
    assert "parameters: {'a': ['b']}" in done.err


async def test_it_reads_them_again(servers: dict[str, str], quarantined: list[int], engine: AsyncEngine) -> None:
    done = await ask(servers, "reread")
    assert (done.code, done.out) == (0, "1 read as events; 1 cannot be read.\n")
    assert await rows(engine, "SELECT workflow_id FROM events") == [("wf",)]
    again = await ask(servers, "reread", str(quarantined[1]))
    assert again.out == "0 read as events; 1 cannot be read.\n"


async def test_one_that_postgresql_still_refuses_keeps_no_other_back(
    servers: dict[str, str], engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        for name in ("refused", "wf"):
            body = delivery(workflow_event(name, "succeeded")).body
            await quarantine.add(connection, [Unread("it cannot be written (23514)", "first", {}, body)])
        await connection.execute(
            text("ALTER TABLE events ADD CONSTRAINT refuses CHECK (workflow_id <> 'refused') NOT VALID")
        )
    try:
        done = await ask(servers, "reread")
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE events DROP CONSTRAINT refuses"))
    assert (done.code, done.out) == (0, "1 read as events; 1 cannot be read.\n")
    assert await rows(engine, "SELECT workflow_id FROM events") == [("wf",)]


@pytest.mark.parametrize("command", ["show", "reread"])
async def test_one_that_is_not_there_is_not_found(servers: dict[str, str], command: str) -> None:
    done = await ask(servers, command, "999")
    done.assert_failed(4, "there is no delivery 999 in quarantine: civitai-archive quarantine list")
