"""A client that nobody here wrote finds in the sandbox what it finds at Civitai."""

import asyncio
from typing import Any

from sandbox.server import Sandbox
from tests.clients import javascript, readings
from tests.clients.javascript import Client
from tests.sandbox import consumers

Document = dict[str, Any]


def template(step_type: str = "echo", **fields: Any) -> Document:
    return {**consumers.body(step_type), "currencies": ["yellow"], **fields}


async def run(client: Client, step_type: str = "echo", **fields: Any) -> Document:
    """The workflow of one step, run to its end."""
    answer = await client.call("submitWorkflow", body=template(step_type, **fields), query={"wait": 20})
    assert (answer.status, answer.data["status"]) == (200, "succeeded")
    return dict(answer.data)


async def now(client: Client, workflow: Document) -> Document:
    answer = await client.call("getWorkflow", path={"workflowId": workflow["id"]})
    assert answer.status in (200, 202)
    return dict(answer.data)


async def test_it_submits_and_waits_until_the_workflow_has_ended(client: Client) -> None:
    slow = template(metadata={"sandbox": {"seconds": 0.5}})
    answer = await client.call("submitWorkflow", body=slow)
    assert answer.status == 202
    path = {"workflowId": answer.data["id"]}
    ended = await client.call("getWorkflow", path=path, query={"wait": 20})
    assert (ended.status, ended.data["status"]) == (200, "succeeded")
    step = await client.call("getWorkflowStep", path={**path, "stepName": "step"})
    assert (step.status, step.data) == (200, ended.data["steps"][0])


async def test_it_asks_what_a_workflow_would_cost_without_running_it(client: Client) -> None:
    answer = await client.call("submitWorkflow", body=template(), query={"whatif": True})
    assert (answer.status, answer.data["id"]) == (200, None)
    assert answer.data["cost"]["total"] > 0
    assert await client.pages() == [[]]


async def test_it_reads_every_page_in_either_order(client: Client) -> None:
    ids = [(await run(client))["id"] for _ in range(5)]
    assert [[item["id"] for item in page] for page in await client.pages(take=2)] == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    (page,) = await client.pages(take=100, ascending=True)
    assert [item["id"] for item in page] == ids


async def test_it_filters(client: Client) -> None:
    first = await run(client, tags=["a", "b"], metadata={"note": "Harbour", "sandbox": {"seconds": 0}})
    second = await run(client, tags=["a"])
    failing = template(metadata={"sandbox": {"seconds": 0, "outcome": "failed"}})
    failed = (await client.call("submitWorkflow", body=failing, query={"wait": 20})).data

    async def found(**query: Any) -> list[str]:
        return [item["id"] for page in await client.pages(ascending=True, **query) for item in page]

    assert await found(tags=["a", "b"]) == [first["id"]]
    assert await found(query="harbour") == [first["id"]]
    assert await found(excludeFailed=True) == [first["id"], second["id"]]
    assert await found(fromDate=second["createdAt"]) == [second["id"], failed["id"]]
    assert await found(toDate=first["createdAt"]) == [first["id"]]


async def test_it_reads_everything_as_it_stands(sandbox: Sandbox, client: Client) -> None:
    workflows = [await run(client, step_type) for step_type in ("imageGen", "polyGen", "echo")]
    read = readings.without_urls(await readings.everything(client))
    assert [item for page in read["pages"] for item in page] == readings.without_urls(workflows[::-1])
    for workflow in readings.without_urls(workflows):
        assert read[f"workflow {workflow['id']}"] == {"status": 200, "data": workflow, "error": None}
        assert read[f"step {workflow['id']} step"]["data"] == workflow["steps"][0]
    files = {f"blob {identifier}": blob.file.sha256 for identifier, blob in sandbox.state.blobs.items() if blob.type}
    assert {name: answer["data"]["sha256"] for name, answer in read.items() if name in files} == files


async def test_it_tags_and_untags(client: Client) -> None:
    workflow = await run(client)
    path = {"workflowId": workflow["id"]}
    for tag in ("user:7", "a/b ü"):
        assert (await client.call("addWorkflowTag", path=path, body=tag)).status == 204
    assert (await now(client, workflow))["tags"] == ["user:7", "a/b ü"]
    assert (await client.call("removeWorkflowTag", path={**path, "tag": "a/b ü"})).status == 204
    assert (await now(client, workflow))["tags"] == ["user:7"]
    assert (await client.call("removeAllWorkflowTags", path=path)).status == 204
    assert (await now(client, workflow))["tags"] == []


async def test_it_patches_and_updates_workflows_and_steps(client: Client) -> None:
    workflow = await run(client)
    path = {"workflowId": workflow["id"]}
    operations = [{"op": "add", "path": "/tags/-", "value": "x"}, {"op": "add", "path": "/metadata/n", "value": 1}]
    assert (await client.call("patchWorkflow", path=path, body=operations)).status == 204
    changed = await now(client, workflow)
    assert (changed["tags"], changed["metadata"]) == (["x"], {**workflow["metadata"], "n": 1})
    assert (await client.call("updateWorkflow", path=path, body={"metadata": {"m": 2}})).status == 204
    step = {**path, "stepName": "step"}
    assert (await client.call("updateWorkflowStep", path=step, body={"metadata": {"k": 3}})).status == 204
    patch = [{"op": "replace", "path": "/metadata/k", "value": 4}]
    assert (await client.call("patchWorkflowStep", path=step, body=patch)).status == 204
    changed = await now(client, workflow)
    assert (changed["metadata"], changed["steps"][0]["metadata"]) == ({"m": 2}, {"k": 4})


async def test_it_cancels(client: Client) -> None:
    running = (await client.call("submitWorkflow", body=template(metadata={"sandbox": {"seconds": 60}}))).data
    path = {"workflowId": running["id"]}
    assert (await client.call("updateWorkflow", path=path, body={"status": "canceled"})).status == 204
    assert (await now(client, running))["status"] == "canceled"


async def test_it_fetches_and_refreshes_blobs(sandbox: Sandbox, client: Client) -> None:
    blob = consumers.image(await run(client, "imageGen"))
    path = {"blobId": blob["id"]}
    assert (await client.call("headBlob", path=path)).status == 204
    refreshed = await client.call("refreshBlob", path=path)
    assert (refreshed.status, refreshed.data["id"], refreshed.data["available"]) == (200, blob["id"], True)
    fetched = await client.call("getBlob", path=path, parseAs="blob")
    file = sandbox.state.blobs[blob["id"]].file
    assert fetched.data == {"mediaType": file.media_type, "size": file.size, "sha256": file.sha256}
    assert sandbox.state.requests_authorized["blob"] == 0


async def test_it_deletes_and_finds_nothing_afterwards(client: Client) -> None:
    workflow = await run(client)
    path = {"workflowId": workflow["id"]}
    assert (await client.call("deleteWorkflow", path=path)).status == 204
    gone = await client.call("getWorkflow", path=path)
    assert (gone.status, gone.error) == (404, {"status": 404, "detail": "Not Found"})
    assert await client.pages() == [[]]


async def test_it_is_told_what_is_wrong(sandbox: Sandbox, client: Client) -> None:
    answer = await client.call("submitWorkflow", body={"steps": [], "currencies": []})
    assert (answer.status, answer.error["title"], list(answer.error["errors"])) == (400, "Bad Request", ["steps"])
    async with javascript.client(sandbox.api_url, "wrong") as stranger:
        assert (await stranger.call("queryWorkflows")).status == 401
    async with javascript.client("http://127.0.0.1:9", "any") as nobody:
        assert (await nobody.call("queryWorkflows")).status is None


async def test_many_wait_at_once(sandbox: Sandbox, client: Client) -> None:
    running = (await client.call("submitWorkflow", body=template(metadata={"sandbox": {"seconds": 0.5}}))).data

    async def waiting() -> str:
        async with javascript.client(sandbox.api_url, sandbox.token) as another:
            path = {"workflowId": running["id"]}
            return str((await another.call("getWorkflow", path=path, query={"wait": 20})).data["status"])

    assert tuple(await asyncio.gather(waiting(), waiting())) == ("succeeded", "succeeded")
