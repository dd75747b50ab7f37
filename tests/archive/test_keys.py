"""Keys of the gateway: known by their digests, ended for good."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import keys
from tests.archive.factories import rows


async def made(engine: AsyncEngine, name: str = "alice", *scopes: keys.Scope) -> str:
    async with engine.begin() as connection:
        return await keys.create(connection, name, scopes or ["read"])


async def found(engine: AsyncEngine, key: str) -> keys.Key | None:
    digest = keys.digest(key)
    async with engine.connect() as connection:
        return None if digest is None else (await keys.valid(connection)).get(digest)


async def use(engine: AsyncEngine, key: str) -> None:
    known = await found(engine, key)
    assert known is not None
    async with engine.begin() as connection:
        await keys.note_use(connection, known)


async def test_a_key_is_found_again_and_is_nowhere_in_the_tables(engine: AsyncEngine) -> None:
    key = await made(engine, "alice", "write", "read")
    known = await found(engine, key)
    assert known is not None
    assert (known.name, known.scopes, known.calls_per_minute) == (
        "alice",
        frozenset({"read", "write"}),
        keys.CALLS_PER_MINUTE,
    )
    (row,) = await rows(engine, "SELECT gateway_keys::text FROM gateway_keys")
    assert key not in row[0]
    assert key.removeprefix(keys.PREFIX) not in row[0]


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1], lambda key: f"{key}x", lambda key: key.swapcase(), lambda _: ""]
)
async def test_what_is_nearly_a_key_is_none(engine: AsyncEngine, change: object) -> None:
    key = await made(engine)
    assert callable(change)
    assert await found(engine, change(key)) is None
    assert keys.digest("cak_" + "ö" * 43) is None


async def test_a_revoked_key_is_none_and_its_name_is_free(engine: AsyncEngine) -> None:
    key = await made(engine)
    with pytest.raises(keys.NameTaken):
        await made(engine)
    async with engine.begin() as connection:
        assert await keys.revoke(connection, "alice")
        assert not await keys.revoke(connection, "alice")
    assert await found(engine, key) is None
    other = await made(engine)
    assert await found(engine, other) is not None
    async with engine.connect() as connection:
        assert [(one.name, one.revoked_at is None) for one in await keys.every(connection)] == [
            ("alice", False),
            ("alice", True),
        ]


async def test_the_last_use_is_noted_once_a_minute(engine: AsyncEngine) -> None:
    key = await made(engine)
    assert await rows(engine, "SELECT last_used_at FROM gateway_keys") == [(None,)]
    await use(engine, key)
    (first,) = await rows(engine, "SELECT last_used_at, xmin::text FROM gateway_keys")
    assert first[0] is not None
    await use(engine, key)
    assert await rows(engine, "SELECT last_used_at, xmin::text FROM gateway_keys") == [first]
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE gateway_keys SET last_used_at = now() - interval '2 min'"))
    await use(engine, key)
    assert await rows(engine, "SELECT last_used_at > now() - interval '1 min' FROM gateway_keys") == [(True,)]
