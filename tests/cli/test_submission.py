import json
import signal
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox
from tests import working
from tests.cli import asking, commands
from tests.cli.conftest import SECRET
from tests.sandbox import consumers

PUBLIC = {"PUBLIC_URL": "http://127.0.0.1:9"}


def file(tmp_path: Path, **fields: Any) -> Path:
    """A body to submit."""
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(consumers.body() | fields))
    return path


def keys(environment: dict[str, str]) -> list[str]:
    """The keys on disk."""
    return [path.read_text() for path in Path(environment["ARCHIVE_HOME"]).glob("submissions/*.key")]


async def test_a_submission_carries_our_callback_and_tags_and_is_waited_for(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    theirs = {"url": "http://127.0.0.1:9/hook", "type": ["workflow:*"]}
    path = file(tmp_path, tags=["a"], callbacks=[theirs])
    environment = alone | account | PUBLIC
    done = await commands.run("submit", path, "--tag=b", "--tag", "a", "--wait", "--json", environment=environment)
    (document,) = asking.documents(done)
    assert document["status"] == "succeeded"
    assert document["tags"] == ["a", "b"]
    assert done.err.splitlines()[-1] == f"Submitted: {document['id']}"
    callbacks = sandbox.state.workflows[document["id"]].fields["callbacks"]
    assert callbacks[0] == theirs
    assert callbacks[1]["url"] == f"http://127.0.0.1:9/callbacks?token={SECRET}"
    assert keys(environment) == []
    told = (done, *await asking.all_of(("workflow", document["id"]), ("workflows", "--json"), environment=environment))
    assert all("token=***" in one.out and SECRET not in one.out + one.err for one in told)


async def test_without_an_address_of_ours_there_is_no_callback_and_that_is_said(
    alone: dict[str, str], account: dict[str, str], tmp_path: Path
) -> None:
    body = json.dumps(consumers.body()).encode()
    left_out, demanded = (
        await commands.run("submit", "-", "--json", environment=alone | account, given=body),
        await commands.run("submit", file(tmp_path), "--callback", environment=alone | account),
    )
    assert "callbacks" not in asking.documents(left_out)[0] or not asking.documents(left_out)[0]["callbacks"]
    assert left_out.err.startswith("No callback was added")
    demanded.assert_failed(2, "PUBLIC_URL is not set")


async def test_what_it_would_cost_is_said_and_nothing_is_submitted(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    done = await commands.run("submit", file(tmp_path), "--whatif", "--no-callback", environment=alone | account)
    assert done.code == 0
    assert done.err.startswith("Cost: ")
    assert "Nothing was submitted" in done.err
    assert sandbox.state.workflows == {}


async def test_a_submission_whose_answer_was_lost_is_paid_for_once(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    environment = alone | account | PUBLIC
    path = file(tmp_path)
    await asking.strike(sandbox, api_reset={"times": None})
    lost = await commands.run("submit", path, environment=environment)
    assert lost.code == 1
    (key,) = keys(environment)
    assert f"it sends the same key, {key}, and cannot be paid for twice" in lost.err
    await asking.strike(sandbox)
    found = await commands.run("submit", path, "--json", environment=environment)
    (document,) = asking.documents(found)
    assert list(sandbox.state.workflows) == [document["id"]]
    assert keys(environment) == []
    meant = await commands.run("submit", path, "--json", environment=environment)
    assert asking.documents(meant)[0]["id"] != document["id"]


async def test_the_key_is_on_disk_before_the_call_and_outlives_a_kill(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    environment = alone | account
    words = ("submit", file(tmp_path), "--no-callback")
    await asking.strike(sandbox, api_hang={"times": None, "seconds": 30})

    async def has_come() -> bool:
        return any(request.method == "POST" for request in sandbox.state.requests)

    sandbox.state.requests.clear()
    async with commands.started(*words, environment=environment) as started:
        await working.eventually(has_come, what="the submission")
        (key,) = keys(environment)
        started.send(signal.SIGKILL)
        await started.ends()
    await asking.strike(sandbox)
    done = await commands.run(*words, "--json", environment=environment)
    assert asking.documents(done)[0]["externalId"] == key
    assert len(sandbox.state.workflows) == 1


async def test_a_refused_submission_leaves_no_key(
    alone: dict[str, str], account: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    await asking.strike(sandbox, api_402={"times": 1})
    done = await commands.run("submit", file(tmp_path), "--no-callback", environment=alone | account)
    done.assert_failed(1, "The account has not enough Buzz")
    assert keys(alone) == []


async def test_what_is_no_workflow_is_usage(alone: dict[str, str], account: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "text.json").write_text("{")
    wrong: list[tuple[tuple[str | Path, ...], int, str]] = [
        (("submit", tmp_path / "list.json"), 2, "list.json cannot be taken: it is not an object"),
        (("submit", tmp_path / "text.json"), 2, "text.json cannot be taken: it is not JSON"),
        (("submit", tmp_path / "none.json"), 1, "none.json cannot be read"),
        (("submit", file(tmp_path), "--no-callback", "--external-id", "a b"), 2, "the external id is not"),
        (("submit", file(tmp_path), *(f"--tag=t{number}" for number in range(11))), 2, "at most 10 tags"),
    ]
    for words, code, sentence in wrong:
        (await commands.run(*words, environment=alone | account)).assert_failed(code, sentence)
