"""Keys of the gateway: who may speak to it, and what he may do.

A key is 32 random bytes. Its SHA-256 alone is kept: there is nothing to guess that a slow hash would have to protect.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Column, func, or_, select, update
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


_COLUMNS: Sequence[Column[Any]] = [_keys[name] for name in Key.__dataclass_fields__]


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


def digest(key: str) -> bytes | None:
    """What a key is kept as; None for what no key of ours can be."""
    return _digest(key) if _KEY.fullmatch(key) else None


async def valid(connection: AsyncConnection) -> Mapping[bytes, Key]:
    """Every key that has not been revoked, by its digest."""
    query = select(_keys.digest, *_COLUMNS).where(_keys.revoked_at.is_(None))
    return {row.digest: _read(row[1:]) for row in await connection.execute(query)}


async def note_use(connection: AsyncConnection, key: Key) -> None:
    """The key has been used just now; noted to the minute."""
    not_noted = or_(_keys.last_used_at.is_(None), _keys.last_used_at < func.now() - NOTED_EVERY)
    used = update(tables.gateway_keys).where(_keys.id == key.id, not_noted)
    await connection.execute(used.values(last_used_at=func.now()))


async def revoke(connection: AsyncConnection, name: str) -> bool:
    """End the key of this name; False if there is none."""
    ended = update(tables.gateway_keys).where(_keys.name == name, _keys.revoked_at.is_(None))
    return (await connection.execute(ended.values(revoked_at=func.now()))).rowcount > 0


async def every(connection: AsyncConnection) -> Sequence[Key]:
    """All keys, the revoked ones too, in the order in which they were made."""
    return [_read(row) for row in await connection.execute(select(*_COLUMNS).order_by(_keys.id))]


def _read(row: Sequence[Any]) -> Key:
    facts = dict(zip(Key.__dataclass_fields__, row, strict=True))
    return Key(**facts | {"scopes": frozenset(facts["scopes"])})


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
