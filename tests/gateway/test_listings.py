"""Listings through the gateway: one side's as a whole, and the same from both."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.sources import HEADER
from tests.gateway.conftest import Archive, blob_of, without_addresses
from tests.worker import rows

WORKFLOWS = "/v2/consumer/workflows"


async def pages(client: httpx.AsyncClient, source: str, **parameters: Any) -> list[dict[str, Any]]:
    """Everything that a listing gives, page by page, all of it from this side."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(WORKFLOWS, params=parameters | cursor, headers={} if cursor else {HEADER: source})
        assert (answer.status_code, answer.headers[HEADER]) == (200, source)
        items += answer.json()["items"]
        if not answer.json().get("next"):
            return items
        cursor = {"cursor": answer.json()["next"]}


async def test_a_listing_from_the_archive_is_the_one_that_civitai_gave(
    archive: Archive, client: httpx.AsyncClient
) -> None:
    await archive.archived(3, tags=["a", "b"])
    for parameters in (
        {"take": 2, "hideMatureContent": "false"},
        {"take": 1, "ascending": "true"},
        {"tags": ["a", "b"], "excludeFailed": "true"},
        {"tags": ["c"]},
    ):
        live = await pages(client, "live", **parameters)
        kept = await pages(client, "archive", **parameters)
        assert without_addresses(kept) == without_addresses(live)


async def test_what_is_older_than_civitai_keeps_is_the_archives(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived()
    await rows.execute(archive.engine, "UPDATE workflows SET created_at = now() - interval '90 days'")
    to_date = (datetime.now(UTC) - timedelta(days=60)).isoformat()
    answer = await client.get(WORKFLOWS, params={"toDate": to_date})
    assert answer.headers[HEADER] == "archive"
    assert [item["id"] for item in answer.json()["items"]] == [known["id"]]


async def test_mature_blobs_are_hidden_where_civitai_hides_them(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived(metadata={"sandbox": {"seconds": 0, "mature": True}})
    url = f"{WORKFLOWS}/{known['id']}"
    for path, is_shown in (
        (url, True),
        (f"{url}?hideMatureContent=true", False),
        (WORKFLOWS, False),
        (f"{WORKFLOWS}?hideMatureContent=false", True),
    ):
        both = []
        for source in ("live", "archive"):
            answer = (await client.get(path, headers={HEADER: source})).json()
            both.append(without_addresses(answer))
            blob = blob_of(answer["items"][0] if "items" in answer else answer)
            assert (blob["available"], blob["url"] is not None) == (is_shown, is_shown), (path, source)
        assert both[0] == both[1]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *(("take", value) for value in ("0", "101", "ten", "١", "")),
        *(("fromDate", "yesterday"), ("toDate", ""), ("ascending", "perhaps"), ("hideMatureContent", "2")),
        *(("tags", "\0"), ("query", "a\0b"), ("status", "\0"), ("cursor", "archive.xyz"), ("cursor", "archive.")),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_named(client: httpx.AsyncClient, parameter: str, value: str) -> None:
    for source in ("live", "archive") if parameter != "cursor" else ("archive",):
        answer = await client.get(WORKFLOWS, params={parameter: value}, headers={HEADER: source})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [parameter])


async def test_a_cursor_stays_on_its_side(archive: Archive, client: httpx.AsyncClient) -> None:
    await archive.archived(2)
    first = await client.get(WORKFLOWS, params={"take": 1}, headers={HEADER: "archive"})
    assert first.json()["next"] == first.json()["nextCursor"]
    answer = await client.get(WORKFLOWS, params={"cursor": first.json()["next"]}, headers={HEADER: "live"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])
