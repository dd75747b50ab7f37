"""Everything that a client can read of one account, as one JSON document: for comparing who answers."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tests.clients.javascript import Client

Document = dict[str, Any]


async def everything(client: Client) -> Document:
    """The answers to every page, and to every workflow, step and blob that stands on one, by what was asked for."""
    pages = await client.pages(take=2, hideMatureContent=False)
    readings: Document = {"pages": pages}
    for workflow in (item for page in pages for item in page):
        path = {"workflowId": workflow["id"]}
        readings[f"workflow {workflow['id']}"] = asdict(await client.call("getWorkflow", path=path))
        for step in workflow["steps"]:
            answer = await client.call("getWorkflowStep", path={**path, "stepName": step["name"]})
            readings[f"step {workflow['id']} {step['name']}"] = asdict(answer)
            for blob in _blobs(step.get("output")):
                answer = await client.call("getBlob", path={"blobId": blob["id"]}, parseAs="blob")
                readings[f"blob {blob['id']}"] = asdict(answer)
    return readings


def without_urls(tree: Any) -> Any:
    """The same, but for addresses and when they end, which are others each time."""
    match tree:
        case dict():
            return {key: without_urls(value) for key, value in tree.items() if not key.lower().endswith(_OF_ADDRESSES)}
        case list():
            return [without_urls(entry) for entry in tree]
    return tree


_OF_ADDRESSES = ("url", "expiresat")


def _blobs(tree: Any) -> Iterator[Document]:
    match tree:
        case {"id": str(), "available": True}:
            yield tree
        case dict():
            for entry in tree.values():
                yield from _blobs(entry)
        case list():
            for entry in tree:
                yield from _blobs(entry)
