import pytest

from sandbox.server import Sandbox, SandboxError
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document


async def test_it_tells_what_was_set_and_what_struck(consumer: Consumer) -> None:
    set_to = {
        "seed": 5,
        "faults": {"html": {"rate": 1.0, "times": 1}, "hang": {"rate": 0.5, "times": None, "seconds": 2.0}},
    }
    assert (await consumer.api.post("/sandbox/faults", json=set_to)).json() == {**set_to, "struck": {}}
    await consumer.storage.get(consumers.image(await consumer.run())["url"])
    assert (await consumer.api.get("/sandbox/faults")).json() == {
        **set_to,
        "struck": {"html": 1},
    }
    ended = (await consumer.api.post("/sandbox/faults", json={})).json()
    assert (ended["faults"], ended["struck"]) == ({}, {})


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"rates": {}},
        {"seed": "x"},
        {"tokenRefused": -1},
        {"tokenRefused": True},
        {"faults": {"x": 1}},
        {"faults": 1},
    ],
)
async def test_what_cannot_be_set_is_a_problem(consumer: Consumer, body: Document) -> None:
    assert (await consumer.api.post("/sandbox/faults", json=body)).status_code == 400
    assert (await consumer.api.post("/sandbox/faults", content=b"{")).status_code == 400


async def test_a_sandbox_is_started_with_faults() -> None:
    async with Sandbox(faults={"html": {"times": None}}) as sandbox, consumers.of(sandbox) as consumer:
        blob = consumers.image(await consumer.run())
        assert "text/html" in (await consumer.storage.get(blob["url"])).headers["content-type"]
        assert sandbox.chance.struck == {"html": 1}


def test_faults_that_cannot_be_played_are_one_sentence() -> None:
    with pytest.raises(SandboxError, match="cannot play these faults: There is no fault 'x'"):
        Sandbox(faults={"x": 1})
