"""Database: whatever JSON there is goes in, and a server that is away is told from a question that is wrong."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database
from embedded.supervisor import Addresses, Supervisor
from tests.working import eventually

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
TEXT = st.text(st.characters(codec=None) | st.sampled_from('\x00\ud800\udfff\\u"0\U0001f600'), max_size=12)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def as_jsonb_would_hold_it(value: Any) -> Any:
    """What should come back: replaced characters, and every number as the float that it is nearest to."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {as_jsonb_would_hold_it(key): as_jsonb_would_hold_it(child) for key, child in value.items()}
    if isinstance(value, list):
        return [as_jsonb_would_hold_it(child) for child in value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > 2**53):
        return float(value)
    return value


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
async def test_postgresql_takes_any_json_and_gives_back_what_was_storable(engine: AsyncEngine, value: Any) -> None:
    async with engine.connect() as connection:
        query = text("SELECT CAST(:value AS jsonb)::text")
        back = (await connection.execute(query, {"value": database.to_jsonb(value)})).scalar_one()
    assert as_jsonb_would_hold_it(json.loads(back)) == as_jsonb_would_hold_it(value)


@given(value=st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_that_jsonb_can_hold_is_not_touched(value: Any) -> None:
    if "\x00" not in repr(value) and "\\x00" not in repr(value):
        assert json.loads(database.to_jsonb(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("\x00", "\ufffd"),
        ("\ud83d", "\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\U0001f600", "\U0001f600"),
        ("\ud83d\U0001f600", "\ufffd\U0001f600"),
        ("\\u0000", "\\u0000"),  # six characters, no NUL
        ("\\\x00", "\\\ufffd"),
        ("\\ud800", "\\ud800"),
    ],
)
def test_only_a_nul_and_lone_surrogates_are_replaced(value: str, expected: str) -> None:
    assert json.loads(database.to_jsonb(value)) == expected


def test_a_number_that_json_does_not_know_is_none() -> None:
    assert database.to_jsonb({"a": float("nan"), "b": float("inf")}) == '{"a":null,"b":null}'


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_of_the_scheme_lead_to_our_driver(scheme: str) -> None:
    url = f"{scheme}://u:postgresql%3A%2F%2F@h/d"
    assert database.driver_url(url) == "postgresql+asyncpg://u:postgresql%3A%2F%2F@h/d"


async def test_a_url_with_the_sslmode_that_hosted_databases_hand_out_is_understood(addresses: Addresses) -> None:
    async with database.connect_once(
        f"{addresses.database_url}&sslmode=prefer", application_name="tests"
    ) as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_a_connection_says_whose_it_is_and_speaks_utc(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        query = text("SELECT current_setting('application_name'), current_setting('timezone')")
        assert tuple((await connection.execute(query)).one()) == ("tests", "UTC")


async def test_one_piece_of_work_is_committed_when_it_ends_well_and_else_not(
    engine: AsyncEngine, addresses: Addresses
) -> None:
    insert = text("INSERT INTO objects (digest, size, stored_at) VALUES (sha256('x'), 1, now()) ON CONFLICT DO NOTHING")

    async def break_off() -> None:
        async with database.connect_once(addresses.database_url, application_name="tests") as connection:
            await connection.execute(insert)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM objects"))).scalar_one() == 0
    async with database.connect_once(addresses.database_url, application_name="tests") as connection:
        await connection.execute(insert)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM objects"))).scalar_one() == 1


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELEKT 1", {}),
        ("SELECT * FROM no_such_table", {}),
        ("SELECT 1 / 0", {}),
        ("SELECT CAST(:number AS integer)", {"number": 2**40}),
        ("SELECT CAST(:number AS bigint)", {"number": 2**70}),
        ("SELECT CAST(:number AS integer)", {"number": "seven"}),
        ("SELECT CAST(:json AS jsonb)", {"json": '"\\u0000"'}),
        ("SELECT CAST(:text AS text)", {"text": "\ud800"}),
        ("INSERT INTO objects (digest, size, stored_at) VALUES ('short', 1, now())", {}),
    ],
)
async def test_a_wrong_question_is_not_a_database_that_is_away(
    engine: AsyncEngine, statement: str, parameters: dict[str, object]
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each has its own
        async with engine.connect() as connection:
            await connection.execute(text(statement), parameters)
    assert not database.is_unavailable(caught.value)


async def test_an_error_does_not_repeat_what_was_to_be_stored(engine: AsyncEngine) -> None:
    with pytest.raises(Exception, match="invalid input syntax") as caught:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT CAST(CAST(:told AS text) AS jsonb)"), {"told": "signed-url?sig=s"})
    assert "parameters hidden" in str(caught.value)


@asynccontextmanager
async def statements(url: str) -> AsyncIterator[AsyncEngine]:
    engine = database.create_engine(url, application_name="tests", pool_size=1)
    yield engine
    await engine.dispose()


async def failure(engine: AsyncEngine, statement: str = "SELECT 1") -> Exception | None:
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("where", ["?host=/nowhere&port=5432", "127.0.0.1:1/archive"])
async def test_a_postgresql_that_is_not_there_is_away(where: str) -> None:
    url = f"postgresql://archive@{'/archive' if where.startswith('?') else ''}{where}"
    async with statements(url) as engine:
        error = await failure(engine)
    assert error is not None
    assert database.is_unavailable(error)


async def test_a_pool_with_no_connection_left_is_away(addresses: Addresses) -> None:
    async with statements(addresses.database_url) as engine, engine.connect():
        engine.pool._timeout = 0.05  # type: ignore[attr-defined]
        error = await failure(engine)
    assert error is not None
    assert database.is_unavailable(error)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Supervisor, Addresses]]:
    """Servers that a test may stop and start."""
    supervisor = Supervisor(tmp_path_factory.mktemp("own"), durable=False)
    with supervisor as addresses:
        yield supervisor, addresses


async def test_a_postgresql_that_stops_is_away_and_comes_back(own: tuple[Supervisor, Addresses]) -> None:
    supervisor, addresses = own
    async with statements(addresses.database_url) as engine:
        assert await failure(engine) is None
        sleeping = asyncio.create_task(failure(engine, "SELECT pg_sleep(20)"))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(supervisor.postgres.stop)
        in_mid_statement, afterwards = await sleeping, await failure(engine)
        await asyncio.to_thread(supervisor.postgres.start)
        assert await failure(engine) is None
    for error in (in_mid_statement, afterwards):
        assert error is not None
        assert database.is_unavailable(error), repr(error)


async def test_a_postgresql_that_was_killed_is_away_while_it_recovers(own: tuple[Supervisor, Addresses]) -> None:
    supervisor, addresses = own
    async with statements(addresses.database_url) as engine:
        assert await failure(engine) is None
        await asyncio.to_thread(supervisor.postgres.kill)
        starting = asyncio.create_task(asyncio.to_thread(supervisor.postgres.start))
        seen: list[Exception] = []

        async def it_answers() -> bool:
            error = await failure(engine)
            seen.extend([error] if error else [])
            return error is None

        await eventually(it_answers, every=0.001)
        await starting
    assert seen
    for error in seen:
        assert database.is_unavailable(error), repr(error)


async def test_a_postgresql_that_takes_no_more_connections_is_away(own: tuple[Supervisor, Addresses]) -> None:
    _, addresses = own
    async with statements(addresses.database_url) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("ALTER ROLE archive CONNECTION LIMIT 0"))
            await connection.execute(text("CREATE ROLE guest LOGIN CONNECTION LIMIT 0"))
        async with statements(addresses.database_url.replace("archive@", "guest@", 1)) as guest:
            error = await failure(guest)
    assert error is not None
    assert database.is_unavailable(error)


async def test_a_server_that_only_reads_is_away(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(Exception, match="read-only") as caught:
            await connection.execute(text("INSERT INTO objects VALUES (sha256('x'), 1)"))
    assert database.is_unavailable(caught.value)


def test_any_other_error_is_not_a_database_that_is_away() -> None:
    assert not database.is_unavailable(ValueError("no"))
