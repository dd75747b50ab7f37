"""The gateway for one assistant on this machine, which starts it and speaks with it by standard input and output."""

import asyncio

from archive import keys, logs
from cli import machine, schema
from gateway.mcp import stdio


def run(*, read_only: bool) -> None:
    """Answer until standard input ends. Logs go to standard error."""
    logs.configure()
    config = machine.read_settings()
    schema.check(config.required_database_url())
    scopes: tuple[keys.Scope, ...] = ("read",) if read_only else ("read", "write")
    asyncio.run(stdio.serve(config, scopes))
