import json

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cli import commands

SECRETS = "site:the-secret-of-the-site,jobs:the-secret-of-the-jobs"


async def test_what_is_printed_works_against_a_receiver(
    alone: dict[str, str], receiver: str, engine: AsyncEngine
) -> None:
    environment = alone | {
        "PUBLIC_URL": receiver,
        "CALLBACK_SECRETS": "first:first-secret-of-the-tests,other:other-secret-of-the-tests",
    }
    done = await commands.run("callback-url", "--source", "other", environment=environment)
    assert (done.code, done.err) == (0, "")
    entry = json.loads(done.out[done.out.index("{") :])["callbacks"][0]
    assert entry["url"] in done.out.splitlines()[1]
    assert entry["type"] == ["workflow:*", "step:*", "job:*"]
    async with httpx.AsyncClient() as http:
        answer = await http.post(entry["url"], json={"$type": "workflow", "workflowId": "w-1", "status": "succeeded"})
    assert answer.status_code == 202
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT source FROM events"))).scalars().all() == ["other"]


async def test_every_source_is_printed_unless_one_is_named(alone: dict[str, str]) -> None:
    environment = alone | {"PUBLIC_URL": "https://archive.example.org/in/", "CALLBACK_SECRETS": SECRETS}
    done = await commands.run("callback-url", environment=environment)
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line and not line.startswith(" ")] == ["site", "jobs"]
    assert "  https://archive.example.org/in/callbacks?token=the-secret-of-the-site\n" in done.out
    assert "  https://archive.example.org/in/callbacks?token=the-secret-of-the-jobs\n" in done.out


async def test_an_unknown_source_is_one_sentence(alone: dict[str, str]) -> None:
    environment = alone | {"PUBLIC_URL": "https://archive.example.org", "CALLBACK_SECRETS": SECRETS}
    done = await commands.run("callback-url", "--source", "moon", environment=environment)
    done.assert_failed(2, "CALLBACK_SECRETS has no secret named 'moon'")


async def test_without_a_public_address_it_asks_for_one(alone: dict[str, str]) -> None:
    done = await commands.run("callback-url", environment=alone | {"CALLBACK_SECRETS": SECRETS})
    done.assert_failed(2, "PUBLIC_URL is not set.*Example: PUBLIC_URL=https://")
