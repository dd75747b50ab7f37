"""What the receiver is compared with: `python -m bench.ingest_servers noop|naive PORT`.

noop reads, parses and hashes the body and answers: the speed of the loop. naive is what one would write first: a
session of SQLAlchemy for each request, and in it the same writes. Both run on uvicorn as the receiver does.
"""

import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypedDict

import uvicorn
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from archive import database, tables, workflows
from orchestration import statuses

POOL_SIZE = 20


class NaiveState(TypedDict):
    """What the naive handler has at hand."""

    sessions: async_sessionmaker[AsyncSession]


async def noop(request: Request) -> Response:
    """Read, parse, hash, answer."""
    body = await request.body()
    json.loads(body)
    hashlib.sha256(body).digest()
    return JSONResponse({"status": "accepted"}, 202)


async def naive(request: Request[NaiveState]) -> Response:
    """One transaction for one event: insert it, upsert its workflow, answer after COMMIT."""
    body = await request.body()
    told = json.loads(body)
    now = datetime.now(UTC)
    ends = told["status"] in statuses.TERMINAL
    event = insert(tables.events).values(
        workflow_id=told["workflowId"],
        digest=hashlib.sha256(body).digest(),
        scope=told["$type"],
        status=told["status"],
        occurred_at=now,
        source="bench",
        parameters={},
        body=body,
        first_received_at=now,
        last_received_at=now,
        deliveries=1,
    )
    again = {"deliveries": tables.events.c.deliveries + 1, "last_received_at": now}
    workflow = insert(tables.workflows).values(
        id=told["workflowId"],
        origin="callback",
        heard_at=now,
        told_status=told["status"],
        told_at=now,
        due_at=now,
        deadline_at=now + workflows.RETENTION,
    )
    heard: dict[str, Any] = {"told_status": workflow.excluded.told_status, "told_at": workflow.excluded.told_at}
    if ends:
        heard["due_at"] = func.least(tables.workflows.c.due_at, workflow.excluded.due_at)
    async with request.state["sessions"].begin() as session:
        await session.execute(event.on_conflict_do_update(index_elements=["workflow_id", "digest"], set_=again))
        await session.execute(workflow.on_conflict_do_update(index_elements=["id"], set_=heard))
    return JSONResponse({"status": "accepted"}, 202)


@asynccontextmanager
async def sessions(_: Starlette) -> AsyncIterator[NaiveState]:
    """An engine for the length of the process."""
    engine = database.create_engine(os.environ["DATABASE_URL"], application_name="naive", pool_size=POOL_SIZE)
    yield {"sessions": async_sessionmaker(engine)}
    await engine.dispose()


APPS = {
    "noop": Starlette(routes=[Route("/callbacks", noop, methods=["POST"])]),
    "naive": Starlette(routes=[Route("/callbacks", naive, methods=["POST"])], lifespan=sessions),
}

if __name__ == "__main__":
    uvicorn.run(APPS[sys.argv[1]], port=int(sys.argv[2]), log_config=None, access_log=False, ws="none")
