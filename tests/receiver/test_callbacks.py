"""POST /callbacks on a real socket: stored before it is answered, and nothing of a stranger's."""

import asyncio
import dataclasses
import json
import socket
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import database, settings
from embedded.supervisor import Supervisor
from migrations.upgrade import upgrade
from receiver import callbacks, intake
from tests import serving
from tests.archive.factories import job_event, rows, step_event, workflow_event
from tests.conftest import OTHER_SECRET, SECRET
from tests.receiver.senders import END, nothing_is_stored, post, speak
from tests.working import eventually

HEAD = f"POST /callbacks?token={SECRET} HTTP/1.1\r\nHost: x\r\n".encode()


async def test_when_the_answer_arrives_the_event_is_there_for_everybody(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    answer = await post(http)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert await rows(engine, "SELECT body FROM events") == [(json.dumps(END).encode(),)]
    assert await rows(engine, "SELECT id, told_status, due_at <= now() FROM workflows") == [("wf", "succeeded", True)]


async def test_no_answer_comes_before_the_commit(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
        answering = asyncio.create_task(post(http))
        await asyncio.sleep(0.3)
        assert not answering.done()
        await connection.rollback()
    assert (await answering).status_code == 202


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not UTF-8"),
        (b"{", "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b"{}", "it has no workflowId"),
        (b'{"workflowId": 7}', "its workflowId is not text"),
        (b'{"workflowId": "a\\u0000b"}', "its workflowId is not text"),
        (b'{"workflowId": "' + b"x" * 513 + b'"}', "its workflowId is not text"),
        (b'{"workflowId": "wf", "status": NaN}', "it holds NaN"),
    ],
)
async def test_what_cannot_be_read_is_answered_and_set_aside_verbatim(
    http: httpx.AsyncClient, engine: AsyncEngine, body: bytes, reason: str
) -> None:
    answer = await post(http, body, query=f"token={OTHER_SECRET}&run=7")
    assert (answer.status_code, answer.json()) == (202, {"status": "quarantined"})
    ((source, parameters, verbatim, why),) = await rows(
        engine, "SELECT source, parameters, body, reason FROM quarantine"
    )
    assert (source, parameters, verbatim) == ("other", {"run": ["7"]}, body)
    assert reason in why
    assert await rows(engine, "SELECT 1 FROM events") == []


async def test_no_depth_of_nesting_is_too_much(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    # Around the depth at which Python can just read what it can no longer write.
    depths = [10, 100, 500, *range(850, 1000), 2000, 100_000]
    bodies = [b'{"workflowId": "wf", "deep": ' + b"[" * depth + b"]" * depth + b"}" for depth in depths]
    answers = await asyncio.gather(*(post(http, body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    kept = await rows(engine, "SELECT body FROM events UNION ALL SELECT body FROM quarantine")
    assert sorted(kept) == sorted((body,) for body in bodies)


async def test_json_that_postgresql_cannot_hold_is_stored_verbatim_beside_what_it_can(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    body = b'\xef\xbb\xbf{"workflowId":"wf","n":1e400,"i":' + b"9" * 5000 + b',"z":"\\u0000","s":"\\ud800"}'
    assert (await post(http, body)).status_code == 202
    ((verbatim, projection),) = await rows(engine, "SELECT body, projection FROM events")
    assert verbatim == body
    assert (projection["n"], projection["z"], projection["s"]) == ("1e400", "\ufffd", "\ufffd")


async def test_a_body_at_the_limit_is_stored(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    body = json.dumps(END).encode().ljust(callbacks.BODY_BYTES_AT_MOST)
    assert (await post(http, body)).status_code == 202
    assert await rows(engine, "SELECT octet_length(body) FROM events") == [(callbacks.BODY_BYTES_AT_MOST,)]


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(
    receiver: str, engine: AsyncEngine
) -> None:
    length = f"Content-Length: {callbacks.BODY_BYTES_AT_MOST + 1}\r\n\r\n".encode()
    assert (await speak(receiver, HEAD + length)).startswith(b"HTTP/1.1 413 ")
    assert await nothing_is_stored(engine)


async def test_a_body_that_does_not_say_and_is_too_large_is_refused_too(receiver: str, engine: AsyncEngine) -> None:
    megabyte = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    chunks = [megabyte] * (callbacks.BODY_BYTES_AT_MOST >> 20)
    answer = await speak(receiver, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"1\r\n \r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert await nothing_is_stored(engine)


async def test_a_callback_that_breaks_off_leaves_nothing(
    receiver: str, http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    host, port = receiver.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n" + json.dumps(END).encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.1)
    assert await nothing_is_stored(engine)
    assert (await post(http)).status_code == 202


async def test_what_is_delivered_again_is_counted(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    answers = await asyncio.gather(*(post(http) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert await rows(engine, "SELECT deliveries FROM events") == [(20,)]


@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_two_orders_of_the_same_callbacks_end_in_the_same_rows(
    http: httpx.AsyncClient, engine: AsyncEngine, data: st.DataObject
) -> None:
    bodies = [
        workflow_event("wf", "scheduled", "2026-11-22T05:00:00Z"),
        workflow_event("wf", "processing", "2026-11-22T05:00:01Z"),
        step_event("wf", "succeeded"),
        job_event("wf", "failed", reason="bad luck"),
        job_event("wf", "succeeded"),
        workflow_event("wf", "failed", "2026-11-22T05:00:02Z"),
        workflow_event("wf", "failed", "2026-11-22T05:00:02Z"),
    ]
    outcomes = []
    for _ in range(2):
        async with engine.begin() as connection:
            for table in ("events", "workflows"):
                await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - two names
        for body in data.draw(st.permutations(bodies)):
            assert (await post(http, body)).status_code == 202
        outcomes.append(
            [
                await rows(engine, "SELECT digest, scope, status, deliveries FROM events ORDER BY digest"),
                await rows(engine, "SELECT told_status, told_at, due_at <= now() FROM workflows"),
                await rows(engine, "SELECT id, told_status, reason FROM jobs"),
            ]
        )
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1][0][0] == "failed"


async def test_without_redis_an_event_is_stored_and_answered_in_good_time(
    config: settings.Settings, engine: AsyncEngine
) -> None:
    without = dataclasses.replace(config, redis_url=settings.Secret("redis://127.0.0.1:1"))
    async with serving.receiver(without) as url, httpx.AsyncClient(base_url=url, timeout=2) as http:
        for _ in range(3):
            assert (await post(http)).status_code == 202
    assert await rows(engine, "SELECT deliveries FROM events") == [(3,)]


async def test_while_the_database_is_away_events_are_acknowledged_and_stored_when_it_is_back(
    config: settings.Settings, tmp_path: Path
) -> None:
    supervisor = Supervisor(tmp_path / "own", durable=False)
    with supervisor as addresses:
        await asyncio.to_thread(upgrade, addresses.database_url)
        own = dataclasses.replace(config, database_url=settings.Secret(addresses.database_url))
        async with serving.receiver(own) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
            assert (await post(http)).status_code == 202
            await asyncio.to_thread(supervisor.postgres.stop)
            for body in (END, b"no event"):
                assert (await post(http, body)).status_code == 202
            await asyncio.to_thread(supervisor.postgres.start)
            for body in (END, b"no event"):
                assert (await post(http, body)).status_code == 202
            async with database.connect_once(addresses.database_url, application_name="tests") as connection:

                async def replayed() -> bool:
                    query = "SELECT deliveries FROM events UNION ALL SELECT deliveries FROM quarantine"
                    return await rows(connection, query) == [(3,), (2,)]

                await eventually(replayed)
    assert list((config.home / "spool").iterdir()) == []


async def test_a_redis_that_hangs_delays_no_answer(
    config: settings.Settings, engine: AsyncEngine, tmp_path: Path
) -> None:
    del engine
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel connects, and nobody ever reads
        url = settings.Secret(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        own = dataclasses.replace(config, redis_url=url, home=tmp_path)
        async with serving.receiver(own) as address, httpx.AsyncClient(base_url=address, timeout=1.5) as http:
            for number in range(5):
                assert (await post(http, workflow_event(f"wf{number}", "succeeded"))).status_code == 202


async def test_when_it_cannot_be_kept_the_sender_is_asked_to_try_again(
    http: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "WAITING_DELIVERIES", 0)
    answer = await post(http)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert await nothing_is_stored(engine)
