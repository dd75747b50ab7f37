"""The gateway's keys from a shell."""

import json

from sqlalchemy.ext.asyncio import AsyncEngine

from archive import keys
from tests.cli import commands


async def found(engine: AsyncEngine, key: str) -> keys.Key | None:
    async with engine.connect() as connection:
        return (await keys.valid(connection)).get(keys.digest(key) or b"")


async def ask(environment: dict[str, str], *words: str) -> commands.Done:
    return await commands.run("key", *words, environment=environment)


async def test_a_key_is_shown_once_listed_without_itself_and_revoked(
    servers: dict[str, str], engine: AsyncEngine
) -> None:
    made = await ask(servers, "create", "alice", "--scope", "read", "--scope", "write", "--calls-per-minute", "60")
    assert made.code == 0, made.err
    key = made.out.strip()
    known = await found(engine, key)
    assert known is not None
    assert (known.scopes, known.calls_per_minute) == (frozenset({"read", "write"}), 60)
    listed = await ask(servers, "list", "--json")
    row = json.loads(listed.out)
    assert (row["name"], row["scopes"], row["revoked_at"]) == ("alice", "read,write", None)
    assert key not in listed.out
    assert (await ask(servers, "revoke", "alice")).code == 0
    assert await found(engine, key) is None
    (await ask(servers, "revoke", "alice")).assert_failed(4, "there is no key named 'alice' that could be revoked")


async def test_it_may_read_unless_told_otherwise(servers: dict[str, str], engine: AsyncEngine) -> None:
    key = (await ask(servers, "create", "bob")).out.strip()
    known = await found(engine, key)
    assert known is not None
    assert known.scopes == frozenset({"read"})


async def test_a_taken_name_and_one_that_is_none_are_one_sentence(servers: dict[str, str]) -> None:
    assert (await ask(servers, "create", "alice")).code == 0
    (await ask(servers, "create", "alice")).assert_failed(1, "there is a key named alice already: choose another name")
    (await ask(servers, "create", "a b")).assert_failed(2, "'a b' is no name for a key")
    (await ask(servers, "create", "bob", "--scope", "all")).assert_failed(2, "'all' is no scope: choose of read, write")
