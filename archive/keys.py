"""Keys of the gateway: who may speak to it, and what he may do.

A key is 32 random bytes. Its SHA-256 alone is kept: there is nothing to guess that a slow hash would have to protect.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archive import tables

Scope = Literal["read", "write", "admin"]
"""read: see workflows, blobs and jobs. write: submit and change them. admin: what Civitai lets managers do."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "cak_"
"""What every key begins with, so that scanners for leaked secrets find it."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
CALLS_PER_MINUTE = 600
NOTED_EVERY = timedelta(minutes=1)

_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_keys = tables.gateway_keys.c
_COLUMNS: tuple[Any, ...] = (
    _keys.id,
    _keys.name,
    _keys.scopes,
    _keys.calls_per_minute,
    _keys.created_at,
    _keys.last_used_at,
    _keys.revoked_at,
)


class NameTaken(Exception):
    """There is a key of this name that has not been revoked."""


@dataclass(frozen=True)
class Key:
    """All that is kept of a key but its digest."""

    id: int
    name: str
    scopes: frozenset[str]
    calls_per_minute: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


async def create(
    connection: AsyncConnection, name: str, scopes: Collection[Scope], *, calls_per_minute: int = CALLS_PER_MINUTE
) -> str:
    """Make a key and give it, once and for all. Raises NameTaken."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = insert(tables.gateway_keys).values(
        name=name, digest=_digest(key), scopes=sorted(scopes), calls_per_minute=calls_per_minute
    )
    made = await connection.execute(row.on_conflict_do_nothing().returning(_keys.id))
    if made.one_or_none() is None:
        raise NameTaken(name)
    return key


async def find(connection: AsyncConnection, key: str) -> Key | None:
    """What is kept of the key, if it is one and has not been revoked; its use is noted, to the minute."""
    if not _KEY.fullmatch(key):
        return None
    digest = _digest(key)
    wanted = select(*_COLUMNS).where(_keys.digest == digest, _keys.revoked_at.is_(None))
    found = (await connection.execute(wanted)).one_or_none()
    if found is None:
        return None
    not_noted = or_(_keys.last_used_at.is_(None), _keys.last_used_at < func.now() - NOTED_EVERY)
    await connection.execute(
        update(tables.gateway_keys).where(_keys.id == found.id, not_noted).values(last_used_at=func.now())
    )
    return _read(found)


async def revoke(connection: AsyncConnection, name: str) -> bool:
    """End the key of this name; False if there is none."""
    ended = update(tables.gateway_keys).where(_keys.name == name, _keys.revoked_at.is_(None))
    return (await connection.execute(ended.values(revoked_at=func.now()))).rowcount > 0


async def every(connection: AsyncConnection) -> Sequence[Key]:
    """All keys, the revoked ones too, in the order in which they were made."""
    return [_read(row) for row in await connection.execute(select(*_COLUMNS).order_by(_keys.id))]


def _read(row: Row[Any]) -> Key:
    facts = row._asdict()
    return Key(**facts | {"scopes": frozenset(facts["scopes"])})


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
