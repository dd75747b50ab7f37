from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


async def test_blobs_are_listed_with_digest_size_and_type_without_a_token(sandbox: Sandbox, consumer: Consumer) -> None:
    workflow = await consumer.run(size=50_000)
    entries = (await consumer.storage.get(f"{sandbox.api_url}/sandbox/blobs")).json()
    entry, preview = entries
    assert entry.keys() == {
        "id", "workflowId", "stepName", "path", "sha256", "size", "mediaType", "served", "expected",
    }  # fmt: skip
    assert (entry["id"], entry["workflowId"]) == (consumers.image(workflow)["id"], workflow["id"])
    assert (entry["stepName"], entry["path"], preview["path"]) == ("step", "images[0]", "images[0].previewUrl")
    assert (entry["size"], entry["mediaType"]) == (50_000, "image/jpeg")


async def test_workflows_are_summed_up_ephemeral_ones_too(consumer: Consumer) -> None:
    workflow = (await consumer.submit({**consumers.body(), "ephemeral": True}, wait=5)).json()
    (summary,) = (await consumer.api.get("/sandbox/workflows")).json()
    assert summary == {
        "id": workflow["id"],
        "status": "succeeded",
        "completedAt": workflow["completedAt"],
        "ephemeral": True,
        "callbacksDelivered": 0,
        "callbacksFailed": 0,
    }


async def test_requests_are_counted_by_origin_and_a_token_at_the_blob_host_shows(
    sandbox: Sandbox, consumer: Consumer
) -> None:
    blob = consumers.image(await consumer.run())
    await consumer.storage.get(blob["url"])
    seen = (await consumer.storage.get(f"{sandbox.api_url}/sandbox/requests")).json()
    assert seen["origins"] == {
        "api": {"requests": 2, "withAuthorization": 1},
        "blob": {"requests": 1, "withAuthorization": 0},
    }
    await consumer.storage.get(blob["url"], headers={"Authorization": "Bearer x"})
    seen = (await consumer.storage.get(f"{sandbox.api_url}/sandbox/requests?origin=blob")).json()
    assert seen["origins"]["blob"] == {"requests": 2, "withAuthorization": 1}
    path = f"/blobs/{blob['id']}"
    assert seen["newest"] == [
        {"origin": "blob", "method": "GET", "path": path, "authorization": False},
        {"origin": "blob", "method": "GET", "path": path, "authorization": True},
    ]
    assert "sig=" not in str(seen)


async def test_what_was_asked_is_kept_in_bounded_memory(sandbox: Sandbox) -> None:
    assert sandbox.state.requests.maxlen
