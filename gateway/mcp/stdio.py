"""MCP over standard input and output, for a client on this machine that starts us as its own process.

There is no key: who can start it has the database and the token already.
"""

from collections.abc import Collection
from typing import cast

from mcp.server.stdio import stdio_server
from starlette.datastructures import Headers

from archive import keys
from archive.settings import Settings
from gateway.app import create_app
from gateway.keyring import Owner
from gateway.mcp import server
from gateway.mcp.caller import Caller
from gateway.state import State


async def serve(config: Settings, scopes: Collection[keys.Scope]) -> None:
    """Answer messages until standard input ends."""
    app = create_app(config)
    async with app.router.lifespan_context(app) as opened:
        state: State = {**cast(State, opened), "keyring": Owner(scopes)}
        base_url = config.gateway.url or f"http://127.0.0.1:{config.gateway.port}"
        served = server.create(lambda _: Caller(app, state, Headers(), base_url))
        async with stdio_server() as (reading, writing):
            await served.run(reading, writing, served.create_initialization_options())
