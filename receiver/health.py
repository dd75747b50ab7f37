"""GET /health: the process is alive. GET /ready: it can keep what it is sent, in the tables or in the spool."""

import asyncio

from sqlalchemy import exc, select
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from archive import database, tables
from receiver.state import State

READY_SECONDS = 3.0


async def health(_: Request[State]) -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request[State]) -> Response:
    """200 when what comes can be kept; 503 and the reason when there are no tables, or no room while they are away."""
    fault = await _fault(request.state["engine"])
    if fault is None:
        return JSONResponse({"status": "ready"})
    if fault == "away" and not request.state["spool"].is_nearly_full:
        return JSONResponse({"status": "ready", "reason": "the database does not answer: events go to the spool"})
    reason = "the database does not answer, and the spool is nearly full"
    if fault == "no tables":
        reason = "the database has no tables yet: run civitai-archive migrate"
    return JSONResponse({"status": "not ready", "reason": reason}, 503)


async def _fault(engine: AsyncEngine) -> str | None:
    try:
        async with asyncio.timeout(READY_SECONDS), engine.connect() as connection:
            await connection.execute(select(tables.events.c.id).limit(1))
    except exc.ProgrammingError:
        return "no tables"
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        return "away"
    return None
