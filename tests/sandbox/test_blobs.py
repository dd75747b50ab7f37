import asyncio

import pytest

from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


@pytest.fixture(scope="module")
def consumer(shared: Consumer) -> Consumer:
    return shared


async def test_a_blob_is_found_by_a_redirect_that_head_confirms(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run())
    answer = await consumer.api.get(f"/v2/consumer/blobs/{blob['id']}")
    assert answer.status_code == 308
    assert await consumer.holds(await consumer.storage.get(answer.headers["location"]), blob)
    assert (await consumer.api.head(f"/v2/consumer/blobs/{blob['id']}")).status_code == 204
    for missing in (await consumer.api.get("/v2/consumer/blobs/x"), await consumer.api.head("/v2/consumer/blobs/x")):
        assert missing.status_code == 404


@pytest.mark.parametrize(("level", "of_tame", "of_mature"), [("pg", 308, 403), ("R", 308, 403), ("x", 308, 308)])
async def test_a_blob_beyond_the_level_that_is_wanted_is_refused(
    consumer: Consumer, level: str, of_tame: int, of_mature: int
) -> None:
    tame, mature = consumers.image(await consumer.run()), consumers.image(await consumer.run(mature=True))
    for blob, status in ((tame, of_tame), (mature, of_mature)):
        answer = await consumer.api.get(f"/v2/consumer/blobs/{blob['id']}", params={"nsfwLevel": level})
        assert answer.status_code == status
    answer = await consumer.api.get(f"/v2/consumer/blobs/{tame['id']}", params={"nsfwLevel": "very"})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"nsfwLevel"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, None),
        ({"download": "true"}, "attachment"),
        ({"filename": "a harbour.jpg"}, "inline; filename*=UTF-8''a%20harbour.jpg"),
        ({"filename": "../x\\y/\u202eü\r\n.jpg", "download": "true"}, "attachment; filename*=UTF-8''%C3%BC.jpg"),
    ],
)
async def test_the_content_is_handed_over_as_it_was_asked_for(
    consumer: Consumer, query: dict[str, str], expected: str | None
) -> None:
    blob = consumers.image(await consumer.run())
    found = await consumer.api.get(f"/v2/consumer/blobs/{blob['id']}", params=query)
    content = await consumer.storage.get(found.headers["location"])
    assert content.headers.get("content-disposition") == expected
    assert await consumer.holds(content, blob)


async def test_refresh_answers_the_blob_with_a_fresh_url(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run())
    fresh = (await consumer.refresh(blob["id"])).json()
    assert fresh["url"] != blob["url"]
    assert fresh["urlExpiresAt"] > blob["urlExpiresAt"]
    assert fresh | {"url": "", "urlExpiresAt": "", "previewUrl": "", "previewUrlExpiresAt": ""} == blob | {
        "url": "", "urlExpiresAt": "", "previewUrl": "", "previewUrlExpiresAt": ""
    }  # fmt: skip
    assert (await consumer.refresh("x")).status_code == 404


async def test_what_is_not_available_yet_is_available_later(consumer: Consumer) -> None:
    workflow = await consumer.run(availableAfter=1)
    blob = consumers.image(workflow)
    assert (blob["available"], blob["url"]) == (False, None)
    assert "blockedReason" not in blob
    assert (await consumer.api.head(f"/v2/consumer/blobs/{blob['id']}")).status_code == 404
    assert (await consumer.refresh(blob["id"])).json()["available"] is False
    await asyncio.sleep(1)
    later = consumers.image((await consumer.get(workflow["id"])).json())
    assert later["available"]
    assert await consumer.holds(await consumer.storage.get(later["url"]), blob)
    assert (await consumer.served())[blob["id"]]["expected"] == "stored"


@pytest.mark.parametrize(("placeholder", "status"), [("image", 200), ("forbidden", 403)])
async def test_a_withheld_result_says_why_and_shows_a_placeholder(
    consumer: Consumer, placeholder: str, status: int
) -> None:
    blob = consumers.image(await consumer.run(withheld="csam", placeholder=placeholder))
    assert (blob["available"], blob["blockedReason"]) == (False, "csam")
    assert "/v2/consumer/blobs/blocked/" in blob["url"]
    assert "previewUrl" not in blob
    shown = await consumer.storage.get(blob["url"])  # it takes no token
    assert (shown.status_code, shown.headers["content-type"]) == (status, "image/jpeg")
    assert not await consumer.holds(shown, blob)
    redirected = await consumer.api.get(f"/v2/consumer/blobs/{blob['id']}")
    assert redirected.headers["location"] == blob["url"]
    assert (await consumer.served())[blob["id"]]["expected"] == "withheld"


async def test_a_withheld_result_may_show_only_by_a_redirect_and_in_a_refresh(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run(withheld="nsfw", placeholder="redirect"))
    assert blob["available"]
    assert "blockedReason" not in blob
    answer = await consumer.storage.get(blob["url"])
    assert answer.status_code == 302
    assert "/v2/consumer/blobs/blocked/" in answer.headers["location"]
    assert (await consumer.storage.get(answer.headers["location"])).status_code == 200
    assert (await consumer.refresh(blob["id"])).json()["blockedReason"] == "nsfw"
    assert (await consumer.served())[blob["id"]]["expected"] == "withheld"


async def test_an_unknown_placeholder_is_404(consumer: Consumer) -> None:
    assert (await consumer.api.get("/v2/consumer/blobs/blocked/x")).status_code == 404


async def test_an_ephemeral_blob_cannot_be_refreshed_while_its_url_lives(consumer: Consumer) -> None:
    body = {**consumers.body(), "ephemeral": True}
    blob = consumers.image((await consumer.submit(body, wait=5)).json())
    assert (await consumer.refresh(blob["id"])).status_code == 404
    assert (await consumer.storage.get(blob["url"])).status_code == 200
