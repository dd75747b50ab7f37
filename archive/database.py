"""PostgreSQL: engines, and what is particular to it in the values that we send.

Every timestamp that a verb needs as "now" is PostgreSQL's own, so that machines with differing clocks agree.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
from sqlalchemy import Column, TableValuedAlias, bindparam, column, exc, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from archive.storage_errors import StorageUnavailable
from orchestration import wire

_UNAVAILABLE_CLASSES = {
    "08",  # connection exception
    "25",  # invalid transaction state: a standby or a read-only server
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "57",  # operator intervention: shutting down, starting up, cancelled
    "58",  # system error: I/O
}

STATEMENT_TIMEOUT_SECONDS = 60

_ESCAPES = re.compile(
    r"(?P<kept>\\\\|\\ud[89ab]..\\ud[c-f]..)"  # an escaped backslash, a pair of surrogates
    r"|\\u0000|\\ud[89a-f].."  # U+0000, a lone surrogate
)


def create_engine(
    url: str, *, application_name: str, pool_size: int = 10, answer_seconds: float | None = None
) -> AsyncEngine:
    """An engine for a `postgresql://` address; connections appear under `application_name` in pg_stat_activity.

    With `answer_seconds`, a statement that is not answered so soon raises TimeoutError, even of a server that hangs.
    """
    return create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, and what is stored holds signed URLs
        json_serializer=to_jsonb,
        connect_args={
            "timeout": 10,
            "command_timeout": answer_seconds,
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
            },
        },
    )


def is_unavailable(error: Exception) -> bool:
    """Whether PostgreSQL is away, starting, stopping or full, rather than wrongly asked: worth another try."""
    if isinstance(error, StorageUnavailable):
        return False
    if isinstance(error, OSError | exc.InterfaceError | exc.TimeoutError | asyncpg.InterfaceError):
        return True
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or _sqlstate_class(error.orig) in _UNAVAILABLE_CLASSES
    return _sqlstate_class(error) in _UNAVAILABLE_CLASSES


def driver_url(url: str) -> str:
    """The address as SQLAlchemy wants it, with the driver that we use, which says `ssl` for libpq's `sslmode`."""
    return re.sub(r"([?&])sslmode=", r"\1ssl=", re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", url))


@asynccontextmanager
async def connect_once(url: str, *, application_name: str) -> AsyncIterator[AsyncConnection]:
    """One connection for one piece of work, committed when that ends well."""
    engine = create_engine(url, application_name=application_name, pool_size=1)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


def given(*columns: Column[Any]) -> TableValuedAlias:
    """A table, `given`, of the rows that a statement is executed with: many rows, one parameter, one round trip.

    Execute it with `{"rows": […]}`, a list of mappings by the names of these columns, of which None, JSON, moments,
    numbers and bytes reach PostgreSQL as such. What a row leaves out is NULL.
    """
    rows = func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
    named = rows.table_valued(*(column(one.name, one.type) for one in columns))
    return named.render_derived(name="given", with_types=True)


def to_jsonb(value: Any) -> str:
    """The value as JSON text that jsonb accepts: U+0000 and lone surrogates become U+FFFD, NaN and infinities null.

    Both arrive in valid JSON, and PostgreSQL refuses both.
    """
    return storable_json(wire.dumps(value, default=_as_postgresql_reads_it).decode())


def storable_json(text: str) -> str:
    """The same JSON text with U+FFFD in the place of what jsonb refuses, wherever that is escaped."""
    if r"\u0000" not in text and r"\ud" not in text:
        return text
    return _ESCAPES.sub(lambda found: found["kept"] or r"\ufffd", text)


def _as_postgresql_reads_it(value: object) -> str:
    """What JSON has no words for, as a text that a column of its type takes."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _sqlstate_class(error: BaseException | None) -> str:
    return str(getattr(error, "sqlstate", None) or "")[:2]
