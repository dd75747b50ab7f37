import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer, Document


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def tagged(consumer: Consumer, *tags: str) -> str:
    """The path of the tags of a workflow that has these."""
    workflow: Document = (await consumer.submit({**consumers.body("echo"), "tags": list(tags)}, wait=5)).json()
    return f"/v2/consumer/workflows/{workflow['id']}/tags"


async def tags(consumer: Consumer, path: str) -> list[str]:
    return list((await consumer.api.get(path.removesuffix("/tags"))).json()["tags"])


async def test_a_tag_is_added_once_and_found_by(consumer: Consumer) -> None:
    path = await tagged(consumer, "a")
    for _ in range(2):
        assert (await consumer.api.post(path, json="added: b")).status_code == 204
    assert await tags(consumer, path) == ["a", "added: b"]
    assert len(await consumer.items(tags=["a", "added: b"])) == 1


@pytest.mark.parametrize("tag", ["b", "user:7", "a/b", "x y?&#%", "ü"])
async def test_one_tag_is_removed_whatever_it_looks_like(consumer: Consumer, tag: str) -> None:
    path = await tagged(consumer, "a", tag)
    escaped = "".join(f"%{byte:02X}" for byte in tag.encode())
    for _ in range(2):
        assert (await consumer.api.delete(f"{path}/{escaped}")).status_code == 204
    assert await tags(consumer, path) == ["a"]


async def test_all_tags_are_removed(consumer: Consumer) -> None:
    path = await tagged(consumer, "a", "b")
    assert (await consumer.api.delete(path)).status_code == 204
    assert await tags(consumer, path) == []


@pytest.mark.parametrize("tag", [7, None, ["b"], "", "x" * 201])
async def test_what_is_no_tag_is_a_problem(consumer: Consumer, tag: object) -> None:
    path = await tagged(consumer, "a")
    assert (await consumer.api.post(path, json=tag)).status_code == 400
    assert await tags(consumer, path) == ["a"]


async def test_the_eleventh_tag_is_a_problem(consumer: Consumer) -> None:
    path = await tagged(consumer, *"abcdefghij")
    assert (await consumer.api.post(path, json="k")).status_code == 400
    assert (await consumer.api.post(path, json="j")).status_code == 204
