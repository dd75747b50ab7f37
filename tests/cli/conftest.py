"""Environments for commands: never the caller's own."""

import os
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from embedded.supervisor import Addresses
from sandbox.server import Sandbox
from tests import ports

SECRET = "a-secret-for-the-command-line"


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """A machine with nothing on it but this command."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    (tmp_path / "user").mkdir()
    gateway = {name: str(ports.free()) for name in ("GATEWAY_PORT", "MCP_PORT")}
    return kept | gateway | {"HOME": str(tmp_path / "user"), "ARCHIVE_HOME": str(tmp_path / "home")}


@pytest.fixture
def servers(alone: dict[str, str], addresses: Addresses, engine: AsyncEngine) -> dict[str, str]:
    """The same with PostgreSQL, its tables empty, and Valkey."""
    del engine
    return alone | {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}


@pytest.fixture
def account(sandbox: Sandbox) -> dict[str, str]:
    """What a customer of the stand-in adds to an environment."""
    return {
        "BLOB_ALLOW_PRIVATE": "true",
        "CALLBACK_SECRETS": f"cli:{SECRET}",
        "CIVITAI_API_TOKEN": sandbox.token,
        "CIVITAI_API_URL": sandbox.api_url,
    }


@pytest.fixture
async def without_tables(addresses: Addresses, engine: AsyncEngine) -> AsyncIterator[str]:
    """The address of a database that nobody has migrated."""
    name = f"bare_{uuid.uuid4().hex}"
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with autocommit.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield addresses.database_url.replace("/archive?", f"/{name}?")
    async with autocommit.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of loopback that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses, and stays ours meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
