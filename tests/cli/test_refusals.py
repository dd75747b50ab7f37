"""Each way in which Civitai refuses, as a person meets it: one sentence on standard error, and an exit code."""

import asyncio

from sandbox.server import Sandbox
from tests.cli import asking, commands
from tests.sandbox import consumers

REFUSALS: dict[str, tuple[dict[str, object], int, str]] = {
    "403": ({"workflow_403": {"times": None}}, 3, "Civitai refused the API token, check that it is right"),
    "404": ({"workflow_404": {"times": None}}, 4, "Civitai does not know it, or no more .* Is its id right\\?"),
    "409": ({"api_409": {"times": None}}, 1, "It changed in the meantime, fetch it again"),
    "422": ({"api_422": {"times": None}}, 1, "Civitai refused the request and would refuse it again, change it"),
    "429": (
        {"api_429": {"times": None, "seconds": 60}},
        1,
        "fewer calls, try again later .* asks us to wait 60 seconds",
    ),
    "500": ({"api_500": {"times": None}}, 1, "Civitai had an error of its own, try again later"),
}


async def refused(faults: dict[str, object], alone: dict[str, str]) -> commands.Done:
    async with Sandbox() as sandbox, consumers.of(sandbox) as consumer:
        workflow = await consumer.run()
        await asking.strike(sandbox, **faults)
        account = {"CIVITAI_API_URL": sandbox.api_url, "CIVITAI_API_TOKEN": sandbox.token}
        return await commands.run("workflow", workflow["id"], environment=alone | account)


async def test_each_refusal_is_one_sentence_that_says_what_to_do(alone: dict[str, str]) -> None:
    told = await asyncio.gather(*(refused(faults, alone) for faults, _, _ in REFUSALS.values()))
    for done, (_, code, sentence) in zip(told, REFUSALS.values(), strict=True):
        done.assert_failed(code, sentence)
        assert len(done.err.splitlines()) == 1
        assert done.out == ""


async def test_a_wrong_token_and_nobody_there_are_told_apart(
    alone: dict[str, str], account: dict[str, str], closed_port: int
) -> None:
    wrong = await commands.run("workflows", environment=alone | account | {"CIVITAI_API_TOKEN": "wrong"})
    wrong.assert_failed(3, "Civitai refused the API token")
    away = alone | account | {"CIVITAI_API_URL": f"http://127.0.0.1:{closed_port}"}
    (await commands.run("workflows", environment=away)).assert_failed(1, "Civitai could not be reached")
