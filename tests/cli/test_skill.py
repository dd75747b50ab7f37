"""What the civitai-orchestration skill's client asks of the API, asked by ours when it is called in the same words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from orchestration import wire
from sandbox.server import Sandbox
from tests.cli import commands
from tests.sandbox import consumers

TABLE = json.loads(Path(__file__).with_name("skill.json").read_text())["asked"]
MOMENTS = ("fromDate", "toDate")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["command"])
async def test_the_same_words_ask_the_same_of_the_api(
    row: dict[str, Any], alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    async with consumers.of(sandbox) as consumer:
        workflow = await consumer.run()
    sandbox.state.requests.clear()
    ids = {
        "workflow": workflow["id"],
        "job": workflow["steps"][0]["jobs"][0]["id"],
        "blob": consumers.image(workflow)["id"],
    }
    environment = alone | account | {"CIVITAI_API_TOKEN": sandbox.manager_token}
    done = await commands.run(*row["command"].format(**ids).split(), environment=environment, directory=tmp_path)
    assert done.code == 0, done.err
    asked = [
        (request.method, request.path, parse_qsl(request.query, keep_blank_values=True))
        for request in sandbox.state.requests
        if request.origin == "api"
    ]
    for call in row["calls"]:
        method, path = call["method"], call["path"].format(**ids)
        wanted = [(name, value.format(**ids)) for name, value in call["query"]]
        assert any(
            (method, path) == (its_method, its_path) and asks_for(wanted, query)
            for its_method, its_path, query in asked
        ), asked


def asks_for(wanted: list[tuple[str, str]], query: list[tuple[str, str]]) -> bool:
    """Whether the query has all that is wanted; moments may differ by less than a millisecond."""
    given: Mapping[str, list[str]] = {name: [value for own, value in query if own == name] for name, _ in query}
    for name, value in wanted:
        values = given.get(name, [])
        if name == "wait":
            if not values:
                return False
        elif name in MOMENTS:
            moment, told = wire.timestamp(value), wire.timestamp(values[0] if values else None)
            if moment is None or told is None or abs((moment - told).total_seconds()) >= 0.001:
                return False
        elif value not in values:
            return False
    return True
