"""GET /health: the process is alive. GET /ready: it can answer from the archive."""

import asyncio

from sqlalchemy import exc, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from archive import database, tables
from gateway import showing
from gateway.problems import Problem
from gateway.state import State

READY_SECONDS = 3.0


async def health(_: Request[State]) -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request[State]) -> Response:
    """200 when the tables can be read; 503 and the reason when not."""
    try:
        async with asyncio.timeout(READY_SECONDS), showing.reading(request) as connection:
            await connection.execute(select(tables.gateway_keys.c.id).limit(1))
    except exc.ProgrammingError:
        raise Problem(503, "The database has no tables yet: run civitai-archive migrate.") from None
    except Exception as error:
        if not database.is_unavailable(error):
            raise
        raise Problem(503, "The database does not answer.") from None
    return JSONResponse({"status": "ready"})
