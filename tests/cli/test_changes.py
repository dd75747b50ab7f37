import json
from pathlib import Path

from sandbox.server import Sandbox
from tests.cli import asking, commands
from tests.sandbox import consumers


async def test_a_workflow_is_changed_in_every_way(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    environment = alone | account
    async with consumers.of(sandbox) as consumer:
        workflow_id = consumers.document(await consumer.submit(consumers.body(seconds=300) | {"tags": ["old"]}))["id"]
    operations = tmp_path / "patch.json"
    operations.write_text(json.dumps([{"op": "add", "path": "/metadata/patched", "value": True}]))
    changed = {"metadata": {"note": "updated", "sandbox": {"seconds": 300}}}
    for words, given in (
        (("tag", workflow_id, "new", "a/b"), b""),
        (("untag", workflow_id, "old"), b""),
        (("update", workflow_id, "-"), json.dumps(changed).encode()),
        (("patch", workflow_id, str(operations)), b""),
        (("cancel", workflow_id), b""),
    ):
        done = await commands.run(*words, environment=environment, given=given)
        assert (done.code, done.out) == (0, ""), done.err
        assert workflow_id in done.err
    document = asking.documents(await commands.run("workflow", workflow_id, "--json", environment=environment))[0]
    assert document["tags"] == ["new", "a/b"]
    assert document["metadata"]["note"] == "updated"
    assert document["metadata"]["patched"] is True
    assert document["status"] == "canceled"
    deleted = await commands.run("cancel", workflow_id, "--delete", environment=environment)
    assert deleted.code == 0
    assert sandbox.state.find_workflow(workflow_id) is None


async def test_an_unknown_workflow_is_not_found(alone: dict[str, str], account: dict[str, str]) -> None:
    for done in await asking.all_of(("cancel", "nowhere"), ("tag", "nowhere", "t"), environment=alone | account):
        done.assert_failed(4, "Civitai does not know it")


async def test_what_had_ended_is_not_called_canceled(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox
) -> None:
    workflow_id = (await asking.ran(sandbox))["id"]
    (done,) = await asking.all_of(("cancel", workflow_id), environment=alone | account)
    assert (done.code, done.err) == (0, f"{workflow_id} had ended already: it is succeeded.\n")
