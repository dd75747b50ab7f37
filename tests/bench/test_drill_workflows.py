import itertools

from bench import drill_workflows
from sandbox import scenario
from sandbox.server import Sandbox

CALLBACK = {"url": "http://127.0.0.1:1/callbacks", "type": ["workflow:*"], "detailed": True}


def test_every_step_type_and_every_play_is_submitted_and_the_same_for_the_same_seed() -> None:
    bodies = list(drill_workflows.bodies(300, 7, CALLBACK))
    assert bodies == list(drill_workflows.bodies(300, 7, CALLBACK)) != list(drill_workflows.bodies(300, 8, CALLBACK))
    types = {step["$type"] for step in itertools.chain.from_iterable(body["steps"] for body in bodies)}
    assert types == set(drill_workflows.STEP_TYPES)
    assert len({body["externalId"] for body in bodies}) == 300
    plays = [body["metadata"]["sandbox"] for body in bodies]
    for wanted in drill_workflows.PLAYS:
        assert any(wanted.items() <= play.items() for play in plays)
    for play in plays:
        scenario.parse(play)


def test_what_lives_for_a_moment_or_is_shared_is_never_ephemeral() -> None:
    for body in drill_workflows.bodies(300, 1, CALLBACK):
        assert not (body["ephemeral"] and {"urlSeconds", "urlUses", "cached"} & set(body["metadata"]["sandbox"]))


async def test_the_stand_in_knows_every_fault_that_is_everywhere() -> None:
    async with Sandbox(faults=drill_workflows.EVERYWHERE) as sandbox:
        assert set(sandbox.chance.everywhere) == set(drill_workflows.EVERYWHERE)
