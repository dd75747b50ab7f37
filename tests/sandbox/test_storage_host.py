import asyncio
import hashlib

import httpx
import pytest

from sandbox.server import Sandbox
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def answers(consumer: Consumer, blob: Document, count: int, **headers: str) -> list[httpx.Response]:
    """So many answers for one signed URL."""
    return [await consumer.storage.get(blob["url"], headers=headers) for _ in range(count)]


async def test_a_signed_url_gives_the_bytes_with_their_length_type_and_tag(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run())
    answer = await consumer.storage.get(blob["url"])
    listed = (await consumer.served())[blob["id"]]
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == listed["sha256"]
    assert int(answer.headers["content-length"]) == len(answer.content) == listed["size"]
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["etag"].startswith('"')
    assert listed["served"] == 1


async def test_head_tells_the_same_without_the_bytes(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run())
    head, whole = await consumer.storage.head(blob["url"]), await consumer.storage.get(blob["url"])
    assert head.content == b""
    for name in ("content-length", "content-type", "etag"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("asked", "start", "stop"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None)]
)
async def test_a_range_is_answered_with_206(consumer: Consumer, asked: str, start: int, stop: int | None) -> None:
    blob = consumers.image(await consumer.run())
    whole = (await consumer.storage.get(blob["url"])).content
    part = await consumer.storage.get(blob["url"], headers={"Range": asked})
    assert part.status_code == 206
    assert part.content == whole[start:stop]
    first = start % len(whole)
    assert part.headers["content-range"] == f"bytes {first}-{first + len(part.content) - 1}/{len(whole)}"


async def test_a_range_beyond_the_end_is_416_and_a_stale_one_is_the_whole(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run())
    whole = await consumer.storage.get(blob["url"])
    size = len(whole.content)
    beyond = await consumer.storage.get(blob["url"], headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    stale = await consumer.storage.get(blob["url"], headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (stale.status_code, stale.content) == (200, whole.content)
    fresh = await consumer.storage.get(blob["url"], headers={"Range": "bytes=5-", "If-Range": whole.headers["etag"]})
    assert (fresh.status_code, fresh.content) == (206, whole.content[5:])


async def test_an_expired_url_is_403_and_refresh_heals_it() -> None:
    async with Sandbox(url_lifetime=0.1) as hasty, consumers.of(hasty) as consumer:
        blob = consumers.image(await consumer.run())
        await asyncio.sleep(0.15)
        assert (await consumer.storage.get(blob["url"])).status_code == 403
        fresh = (await consumer.refresh(blob["id"])).json()
        assert (await consumer.storage.get(fresh["url"])).status_code == 200


async def test_a_forged_url_is_403(consumer: Consumer) -> None:
    blob, other = consumers.image(await consumer.run()), consumers.image(await consumer.run())
    for forged in (
        blob["url"].replace("exp=20", "exp=30"),
        blob["url"].replace(blob["id"], other["id"]),
        blob["url"].partition("?")[0],
    ):
        assert (await consumer.storage.get(forged)).status_code == 403


async def test_a_url_dies_after_so_many_seconds_or_uses(consumer: Consumer) -> None:
    brief = consumers.image(await consumer.run(urlSeconds=0.1))
    await asyncio.sleep(0.15)
    assert (await consumer.storage.get(brief["url"])).status_code == 403
    worn = consumers.image(await consumer.run(urlUses=2))
    assert [answer.status_code for answer in await answers(consumer, worn, 3)] == [200, 200, 403]
    fresh = (await consumer.refresh(worn["id"])).json()
    assert (await consumer.storage.get(fresh["url"])).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"), [("blob_404", 404), ("blob_403", 403), ("storage_429", 429), ("html", 200)]
)
async def test_a_fault_answers_in_place_of_the_blob_and_passes(consumer: Consumer, fault: str, status: int) -> None:
    blob = consumers.image(await consumer.run(faults={fault: {"times": 2}}))
    struck, again, healed = await answers(consumer, blob, 3)
    assert struck.status_code == again.status_code == status
    assert not await consumer.holds(struck, blob)
    assert healed.status_code == 200
    assert await consumer.holds(healed, blob)


async def test_a_storage_host_that_is_busy_says_when_to_come_again(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(faults={"storage_429": {"times": 1, "seconds": 3}}))
    assert (await consumer.storage.get(blob["url"])).headers["retry-after"] == "3"


async def test_html_comes_with_status_200_and_its_own_type(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(faults={"html": 1}))
    answer = await consumer.storage.get(blob["url"])
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


async def test_errors_and_expiry_come_with_every_status_that_was_seen(consumer: Consumer) -> None:
    failing = consumers.image(await consumer.run(faults={"storage_500": {"times": 40}}))
    assert {answer.status_code for answer in await answers(consumer, failing, 40)} == {500, 502, 503, 504}
    expiring = consumers.image(await consumer.run(faults={"expired": {"times": 40}}))
    assert {answer.status_code for answer in await answers(consumer, expiring, 40)} == {401, 403, 410}


async def test_a_range_may_be_ignored(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(faults={"no_range": {"times": 1}}))
    ignored, honoured = await answers(consumer, blob, 2, Range="bytes=7-")
    assert (ignored.status_code, honoured.status_code) == (200, 206)
    assert ignored.content[7:] == honoured.content


async def test_a_tag_may_change_so_that_a_break_cannot_be_resumed(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(faults={"etag_changed": {"times": 2}}))
    first = await consumer.storage.get(blob["url"])
    resumed = await consumer.storage.get(blob["url"], headers={"Range": "bytes=7-", "If-Range": first.headers["etag"]})
    assert first.headers["etag"] != resumed.headers["etag"]
    assert (resumed.status_code, resumed.content) == (200, first.content)


async def test_a_lasting_404_never_ends(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(faults={"blob_404": {"times": None}}))
    assert {answer.status_code for answer in await answers(consumer, blob, 8)} == {404}
    assert (await consumer.refresh(blob["id"])).status_code == 404
