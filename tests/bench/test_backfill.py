import asyncio
import json
import sys

from bench import backfill, house, listing_server
from orchestration import documents, wire
from orchestration.client import Client


def test_a_listing_serves_each_workflow_once_in_pages() -> None:
    listing = listing_server.Listing(250)
    pages = [json.loads(listing.page(begin)) for begin in (0, 100, 200)]
    assert [page["next"] for page in pages] == ["100", "200", None]
    read = [documents.read(item) for page in pages for item in page["items"]]
    assert len({workflow.id for workflow in read}) == 250
    created = [workflow.created_at for workflow in read if workflow.created_at is not None]
    assert len(created) == 250
    assert created == sorted(created)


async def test_the_client_reads_all_of_it_over_its_sockets() -> None:
    port = house.free_port()
    command = [sys.executable, "-m", "bench.listing_server", str(port), "150"]
    server = await asyncio.create_subprocess_exec(*command)
    try:
        url = f"http://127.0.0.1:{port}"
        await house.until_answers(url)
        async with Client(url, "token") as client:
            listed = [item async for item in client.query_all(take=100)]
    finally:
        server.terminate()
        await server.wait()
    assert len(listed) == 150
    assert wire.timestamp(listed[-1]["createdAt"]) is not None


def test_memory_is_judged_by_its_second_and_its_last_fifth() -> None:
    run = backfill.Run(1.0, 1.0, [10.0, 50.0, 60.0, 60.0, 55.0])
    assert (run.settled, run.last) == (50.0, 55.0)
