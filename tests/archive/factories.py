"""Rows by the state that they leave, made through the verbs that make them in earnest."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from archive import claims, events, objects, results, settling, workflows
from archive.media.contents import Facts
from orchestration import results as finder
from orchestration.events import parse
from orchestration.results import Found


def delivery(body: dict[str, Any], *, source: str = "first", run: str | None = None) -> events.Delivery:
    """One delivery of this body."""
    raw = json.dumps(body).encode()
    return events.Delivery(parse(raw), source, {} if run is None else {"run": [run]}, raw)


def workflow_event(workflow_id: str, status: str, timestamp: str | None = None) -> dict[str, Any]:
    """A workflow callback's body."""
    return {"$type": "workflow", "workflowId": workflow_id, "status": status, "timestamp": timestamp}


def step_event(workflow_id: str, status: str, name: str = "step") -> dict[str, Any]:
    """A step callback's body."""
    return {"$type": "step", "workflowId": workflow_id, "name": name, "status": status}


def job_event(workflow_id: str, status: str, job_id: str = "job", **facts: Any) -> dict[str, Any]:
    """A job callback's body."""
    return {
        "$type": "job",
        "workflowId": workflow_id,
        "stepName": "step",
        "jobId": job_id,
        "status": status,
        **facts,
    }


async def told(engine: AsyncEngine, *bodies: dict[str, Any]) -> list[str]:
    """Record these callbacks as one batch; the workflows that became due."""
    async with engine.begin() as connection:
        return (await events.record(connection, [delivery(body) for body in bodies])).due


async def due_workflow(engine: AsyncEngine, workflow_id: str = "wf") -> str:
    """A workflow that is due and that nobody holds."""
    await told(engine, workflow_event(workflow_id, "succeeded"))
    return workflow_id


async def take(connection: AsyncConnection, workflow_id: str) -> claims.Claim | None:
    """A claim of this workflow; None if it is not to be had."""
    return (await claims.take_each(connection, [workflow_id])).get(workflow_id)


async def claimed_workflow(engine: AsyncEngine, workflow_id: str = "wf") -> claims.Claim:
    """A workflow that somebody holds; the claim."""
    await due_workflow(engine, workflow_id)
    async with engine.begin() as connection:
        claim = await take(connection, workflow_id)
    assert claim is not None
    return claim


async def overtaken_workflow(engine: AsyncEngine, workflow_id: str = "wf") -> tuple[claims.Claim, claims.Claim]:
    """A workflow whose first holder was paused until its lease had run out, and a second took it; both claims."""
    first = await claimed_workflow(engine, workflow_id)
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE workflows SET leased_until = now() - interval '1 ms' WHERE id = :id"), {"id": workflow_id}
        )
        second = await take(connection, workflow_id)
    assert second is not None
    return first, second


def found(path: str = "output.images[0]", **facts: Any) -> Found:
    """A result as the finder tells it: available, at a URL."""
    return Found("step", path, "result", **{"url": f"https://blobs.example/{path}", "available": True, **facts})


async def pending_results(connection: AsyncConnection, *paths: str) -> Sequence[results.Pending]:
    """The results at these paths of a new workflow `wf`, none of them settled."""
    await events.record(connection, [delivery(workflow_event("wf", "succeeded"))])
    await results.add(connection, "wf", [found(path) for path in paths])
    return await results.pending(connection, "wf")


async def stored_object(connection: AsyncConnection, content: bytes = b"content") -> bytes:
    """An object that is said to be stored; its digest."""
    digest = hashlib.sha256(content).digest()
    await objects.add(connection, {digest: Facts(size=len(content), media_type="image/png")})
    return digest


async def stored_elsewhere(connection: AsyncConnection, blob_id: str, content: bytes) -> bytes:
    """A blob that another workflow has stored; the digest of its object."""
    await events.record(connection, [delivery(workflow_event("other", "succeeded"))])
    await results.add(connection, "other", [found("output.a", blob_id=blob_id)])
    (one,) = await results.pending(connection, "other")
    digest = await stored_object(connection, content)
    await settling.stored(connection, {one.id: digest})
    return digest


async def seal(connection: AsyncConnection, claim: claims.Claim) -> bool:
    """The holder has found the workflow whole, and owes it nothing; whether it is due again. Raises Overtaken."""
    given_back = await claims.give_back(connection, [claims.Return(claim, None, claim.claimed_at)])
    if claim not in given_back:
        raise claims.Overtaken
    return given_back[claim]


async def archived_workflow(
    engine: AsyncEngine, document: dict[str, Any], *, stored: bool = True
) -> dict[tuple[str, str], bytes]:
    """A workflow that has this document and, by step and path, results whose content is `<blob id or path>`; theirs.

    Without `stored` none of the results has come, and it is not archived.
    """
    claim = await claimed_workflow(engine, document["id"])
    contents = {(one.step, one.path): (one.blob_id or one.path).encode() for one in finder.find(document)}
    async with engine.begin() as connection:
        await workflows.save(connection, claim, document, keep_document=False)
        await results.add(connection, claim.workflow_id, finder.find(document))
        if not stored:
            return {}
        digests = {content: await stored_object(connection, content) for content in contents.values()}
        for result in await results.pending(connection, claim.workflow_id):
            await settling.stored(connection, {result.id: digests[contents[result.step, result.path]]})
        await seal(connection, claim)
    return contents


async def rows(source: AsyncEngine | AsyncConnection, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What a query gives."""
    if isinstance(source, AsyncEngine):
        async with source.connect() as connection:
            return await rows(connection, query, **parameters)
    return [tuple(row) for row in await source.execute(text(query), parameters)]
