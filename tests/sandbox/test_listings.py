import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document

LIST = "/v2/consumer/workflows"


async def has(consumer: Consumer, **faults: Document) -> None:
    assert (await consumer.api.post("/sandbox/faults", json={"faults": faults})).status_code == 200


async def test_the_cursor_of_the_next_page_may_be_called_by_its_older_name(consumer: Consumer) -> None:
    ids = [(await consumer.run("echo"))["id"] for _ in range(3)]
    await has(consumer, list_older_cursor={"times": None})
    page = (await consumer.api.get(LIST, params={"take": 2})).json()
    assert page.keys() == {"items", "nextCursor"}
    page = (await consumer.api.get(LIST, params={"take": 2, "cursor": page["nextCursor"]})).json()
    assert page.keys() == {"items"}
    assert [item["id"] for item in page["items"]] == ids[:1]


async def test_dates_may_be_ignored(consumer: Consumer) -> None:
    workflow = await consumer.run("echo")
    assert await consumer.items(fromDate="2999-01-01") == []
    await has(consumer, list_dates_ignored={"times": None})
    assert [item["id"] for item in await consumer.items(fromDate="2999-01-01")] == [workflow["id"]]


async def test_a_page_goes_on_where_the_last_one_ended_even_if_that_workflow_is_gone(consumer: Consumer) -> None:
    ids = [(await consumer.run("echo"))["id"] for _ in range(4)]
    page = (await consumer.api.get(LIST, params={"take": 2})).json()
    await consumer.api.delete(f"{LIST}/{page['next']}")
    assert [item["id"] for item in await consumer.items(cursor=page["next"])] == ids[1::-1]


@pytest.mark.parametrize("take", [1, 100])
async def test_a_page_holds_no_more_than_it_is_asked_to(consumer: Consumer, take: int) -> None:
    for _ in range(2):
        await consumer.submit(consumers.body("echo"), wait=5)
    assert len(await consumer.items(take=take)) == min(take, 2)
