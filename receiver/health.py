"""GET /health: the process is alive. GET /ready: it can store what it is sent."""

import asyncio

from sqlalchemy import exc, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from archive import database, tables
from receiver.state import State

READY_SECONDS = 3.0


async def health(_: Request[State]) -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request[State]) -> Response:
    """200 when the events table can be read; 503 and the reason when it cannot."""
    try:
        async with asyncio.timeout(READY_SECONDS), request.state["engine"].connect() as connection:
            await connection.execute(select(tables.events.c.id).limit(1))
    except exc.ProgrammingError:
        reason = "the database has no tables yet: run civitai-archive migrate"
        return JSONResponse({"status": "not ready", "reason": reason}, 503)
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        return JSONResponse({"status": "not ready", "reason": "the database does not answer"}, 503)
    return JSONResponse({"status": "ready"})
