"""Retention from a shell."""

import json
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.archive import holding, stores
from tests.archive.holding import Held
from tests.cli import commands
from tests.worker import rows

Environment = dict[str, str]
RULES = 'no-alpha = {delete = "contents", tags = ["alpha"]}\nold = {delete = "events", older_than = "1d"}'


@pytest.fixture
async def held(servers: Environment, engine: AsyncEngine, tmp_path: Path) -> Held:
    """w1 (tag alpha: cat, dog) and w2 (tag beta: fox, and the same cat)."""
    return await holding.held(engine, servers, tmp_path / "storage")


async def test_the_rules_of_the_settings_are_counted_and_carried_out(held: Held) -> None:
    environment = held.environment | {"PRUNE_RULES": RULES}
    done = await commands.run("prune", "--dry-run", "--json", environment=environment)
    counted = [json.loads(line) for line in done.out.splitlines()]
    assert counted == [
        {"rule": "no-alpha", "deletes": "contents", "rows": 2, "bytes": 3},
        {"rule": "old", "deletes": "events", "rows": 0, "bytes": 0},
    ]
    assert len(stores.files(held.storage / "objects")) == 3
    done = await commands.run("prune", "--rule", "no-alpha", "--grace", "0s", environment=environment)
    assert done.code == 0
    assert done.out.splitlines()[-2] == "Deleted now: 1 object, 3 bytes; their bytes lie aside for an hour."
    assert "old" not in done.out
    assert set(stores.files(held.storage / "objects").values()) == {b"cat", b"fox"}


async def test_a_rule_can_be_typed_and_its_tombstones_say_so(held: Held, engine: AsyncEngine) -> None:
    done = await commands.run("prune", "--delete", "contents", "--tag", "alpha", environment=held.environment)
    assert done.code == 0
    assert "What nobody needs any longer is deleted after 1 day, 0:00:00 of grace." in done.out
    assert {row["rule"] for row in await rows.select(engine, "SELECT rule FROM tombstones")} == {"by hand"}
    assert len(stores.files(held.storage / "objects")) == 3


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "there is no rule: set PRUNE_RULES, or say --delete contents"),
        (["--delete", "contents"], 2, "the rule 'by hand' would delete all contents"),
        (["--tag", "draft"], 2, "the rule lets 'by hand' delete None"),
        (["--rule", "never"], 4, "PRUNE_RULES has no rule 'never'"),
        (["--grace", "soon"], 2, "--grace has the time 'soon'"),
    ],
)
async def test_a_mistake_ends_in_a_sentence(servers: Environment, words: list[str], code: int, sentence: str) -> None:
    (await commands.run("prune", *words, environment=servers)).assert_failed(code, sentence)


async def test_a_mistake_in_the_settings_names_the_variable(servers: Environment) -> None:
    done = await commands.run("prune", environment=servers | {"PRUNE_RULES": "a = {delete = 'all'}"})
    done.assert_failed(2, "PRUNE_RULES lets 'a' delete 'all', which is none of contents, events and quarantine")
