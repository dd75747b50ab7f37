import asyncio

import pytest

from archive.storage import incoming
from worker import slots as slots_module
from worker.slots import Slots


async def most_at_once(slots: Slots, urls: list[str]) -> dict[str, int]:
    """How many of these downloads were ever under way together, by host, and in all."""
    under_way: list[str] = []
    most: dict[str, int] = {}

    async def download(url: str) -> None:
        async with slots.connection(url):
            under_way.append(url.split("/")[2])
            for host in set(under_way):
                most[host] = max(most.get(host, 0), under_way.count(host))
            most["all"] = max(most.get("all", 0), len(under_way))
            await asyncio.sleep(0.001)
            under_way.remove(url.split("/")[2])

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(download(url))
    return most


async def test_no_more_are_under_way_than_allowed_in_all_and_from_one_host() -> None:
    urls = [f"https://{host}/{number}" for number in range(20) for host in ("a", "b", "c")]
    assert await most_at_once(Slots(at_once=5, one_host=2), urls) == {"a": 2, "b": 2, "c": 2, "all": 5}


async def test_a_slow_host_leaves_room_for_others() -> None:
    slots = Slots(at_once=3, one_host=2)
    async with (
        slots.connection("https://slow/1"),
        slots.connection("https://SLOW/2"),
        asyncio.timeout(30),
        slots.connection("https://other/1"),
    ):
        pass


async def test_whoever_came_first_is_let_in_first() -> None:
    slots, order = Slots(at_once=2, one_host=1), list[str]()

    async def download(url: str) -> None:
        async with slots.connection(url):
            order.append(url)
            await asyncio.sleep(0)

    urls = [f"https://{host}/{number}" for number, host in enumerate("aabbaab")]
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(download(url))
    assert order[:2] == ["https://a/0", "https://b/2"]
    for host in "ab":
        assert [url for url in order if host in url] == [url for url in urls if host in url]


@pytest.mark.parametrize("large", [None, 10**9])
async def test_what_is_in_memory_of_contents_that_are_not_kept_yet_is_bounded(
    monkeypatch: pytest.MonkeyPatch, large: int | None
) -> None:
    monkeypatch.setattr(slots_module, "MEMORY_AT_ONCE", incoming.PIECE_BYTES + 100)
    slots = Slots()
    async with slots.room(large), slots.room(100):
        waiting = asyncio.create_task(slots.room(1).__aenter__())
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 30)


async def test_bytes_under_way_are_bounded_and_come_free_again() -> None:
    slots = Slots(bytes_at_once=100)
    async with slots.room(60):
        waiting = asyncio.create_task(slots.room(60).__aenter__())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        async with asyncio.timeout(30), slots.room(40):
            pass
    await asyncio.wait_for(waiting, 30)


async def test_a_content_larger_than_all_room_goes_alone_instead_of_never() -> None:
    slots = Slots(bytes_at_once=100)
    async with asyncio.timeout(30), slots.room(10**12), slots.room(None):
        pass


async def test_a_download_that_is_cancelled_while_it_waits_takes_no_slot_with_it() -> None:
    slots = Slots(at_once=1)
    async with slots.connection("https://a/1"):
        waiting = asyncio.create_task(slots.connection("https://a/2").__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(30), slots.connection("https://a/3"):
        pass
