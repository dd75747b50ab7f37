"""Bodies that are not what was promised, read from a bare socket: no client library stands between."""

import asyncio
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer

SIZE = 300_000  # bytes


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def read(url: str) -> tuple[dict[str, str], bytes, Exception | None]:
    """Header fields, everything that comes after them until the other side ends the connection, and how it broke."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
    body, broken = b"", None
    try:
        while len(body) < 2 * SIZE and (piece := await asyncio.wait_for(reader.read(65_536), 5)):
            body += piece
    except ConnectionError as error:
        broken = error
    writer.close()
    return fields, body, broken


async def whole(consumer: Consumer, blob: consumers.Document) -> bytes:
    """The bytes themselves, for a fault that strikes once."""
    answer = await consumer.storage.get(blob["url"])
    assert await consumer.holds(answer, blob)
    return answer.content


async def test_a_truncated_body_ends_early_and_politely(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(size=SIZE, faults={"truncate": {"times": 1}}))
    fields, body, broken = await read(blob["url"])
    assert broken is None
    assert int(fields["content-length"]) == SIZE > len(body)
    assert (await whole(consumer, blob)).startswith(body)


async def test_a_reset_breaks_the_connection_somewhere_in_the_body(consumer: Consumer) -> None:
    lengths = set()
    for _ in range(3):
        blob = consumers.image(await consumer.run(size=SIZE, faults={"reset": {"times": 1}}))
        fields, body, broken = await read(blob["url"])
        assert isinstance(broken, ConnectionResetError)
        assert int(fields["content-length"]) == SIZE > len(body)
        assert (await whole(consumer, blob)).startswith(body)
        lengths.add(len(body))
    assert len(lengths) > 1


async def test_a_body_may_be_shorter_than_its_wrong_content_length_says(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(size=SIZE, faults={"wrong_length": {"times": 1}}))
    fields, body, broken = await read(blob["url"])
    assert broken is None
    assert int(fields["content-length"]) > len(body) == SIZE
    assert body == await whole(consumer, blob)


async def test_an_overlong_body_goes_on_beyond_its_content_length(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(size=SIZE, faults={"overlong": {"times": 1}}))
    fields, body, _ = await read(blob["url"])
    assert int(fields["content-length"]) == SIZE < len(body)
    assert body[:SIZE] == await whole(consumer, blob)


async def test_a_body_that_hangs_goes_on_after_its_time(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(size=SIZE, faults={"hang": {"times": 1, "seconds": 0.4}}))
    began = time.monotonic()
    answer = await consumer.storage.get(blob["url"])
    assert time.monotonic() - began >= 0.4
    assert await consumer.holds(answer, blob)


async def test_whoever_hangs_up_on_a_hanging_body_is_not_waited_for(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(size=SIZE, faults={"hang": {"times": 1, "seconds": 60}}))
    with pytest.raises(httpx.ReadTimeout):
        await consumer.storage.get(blob["url"], timeout=0.2)
    assert (await consumer.served())[blob["id"]]["served"] == 0
    assert (await consumer.storage.get(blob["url"])).status_code == 200


async def test_a_flawed_body_counts_as_served_only_when_its_bytes_were_right(consumer: Consumer) -> None:
    for fault, served in (("truncate", 0), ("reset", 0), ("wrong_length", 0), ("overlong", 1)):
        blob = consumers.image(await consumer.run(faults={fault: {"times": 1}}))
        await read(blob["url"])
        assert (await consumer.served())[blob["id"]]["served"] == served


async def test_hundreds_of_megabytes_flow_without_being_held(consumer: Consumer) -> None:
    size = 300_000_000
    workflow = await consumer.run("training", {"epochs": 1, "samplesPerEpoch": 0}, size=size)
    url = consumers.output(workflow)["epochs"][0]["model"]["url"]
    received = 0
    async with consumer.storage.stream("GET", url) as answer:
        assert int(answer.headers["content-length"]) == size
        async for piece in answer.aiter_raw():
            received += len(piece)
    assert received == size
