"""Workflows through the gateway: live while Civitai has them, from the archive for ever."""

import hashlib
import json

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from archive import settings
from gateway.app import create_app
from gateway.sources import HEADER
from tests import serving
from tests.conftest import SECRET
from tests.gateway.conftest import QUICK, STEP, Archive, blob_of, forget, without_addresses
from tests.worker import rows

WORKFLOWS = "/v2/consumer/workflows"


async def test_what_civitai_has_forgotten_is_still_answered_and_its_bytes_are_the_same(
    archive: Archive, client: httpx.AsyncClient, gateway: str
) -> None:
    (before,) = await archive.archived(tags=["a"])
    digests = {blob.id: blob.file.sha256 for blob in archive.sandbox.state.blobs.values()}
    await forget(archive.sandbox)
    answer = await client.get(f"{WORKFLOWS}/{before['id']}")
    assert (answer.status_code, answer.headers[HEADER]) == (200, "archive")
    assert without_addresses(answer.json()) == without_addresses(before)
    async with httpx.AsyncClient() as stranger:
        for number in range(2):
            blob = blob_of(answer.json(), number)
            assert blob["url"].startswith(f"{gateway}/v2/consumer/blobs/")
            content = (await stranger.get(blob["url"])).raise_for_status().content
            assert hashlib.sha256(content).hexdigest() == digests[blob["id"]]


async def test_what_is_archived_is_the_archives_and_what_is_not_is_civitais(
    archive: Archive, client: httpx.AsyncClient
) -> None:
    (known,) = await archive.archived()
    fresh = await archive.submit()
    for workflow_id, source in ((known["id"], "archive"), (fresh["id"], "live")):
        answer = await client.get(f"{WORKFLOWS}/{workflow_id}")
        assert (answer.status_code, answer.headers[HEADER]) == (200, source)
        assert without_addresses(answer.json()) == without_addresses(known if source == "archive" else fresh)
    absent = await client.get(f"{WORKFLOWS}/nobody")
    assert (absent.status_code, absent.headers[HEADER]) == (404, "live")
    assert absent.headers["Content-Type"] == "application/problem+json"


async def test_a_client_may_choose_who_answers(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived()
    fresh = await archive.submit()
    for source in ("live", "archive", "Archive"):
        answer = await client.get(f"{WORKFLOWS}/{known['id']}", headers={HEADER: source})
        assert (answer.status_code, answer.headers[HEADER]) == (200, source.lower())
    assert (await client.get(f"{WORKFLOWS}/{fresh['id']}", headers={HEADER: "archive"})).status_code == 404
    refused = await client.get(f"{WORKFLOWS}/{known['id']}", headers={HEADER: "both"})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [HEADER])


async def test_a_workflow_that_runs_is_waited_for_at_civitai(client: httpx.AsyncClient) -> None:
    body = {"steps": [STEP], "metadata": {"sandbox": {"seconds": 0.5}}}
    accepted = await client.post(WORKFLOWS, json=body)
    assert accepted.status_code == 202
    ended = await client.get(f"{WORKFLOWS}/{accepted.json()['id']}?wait=20")
    assert (ended.status_code, ended.json()["status"], ended.headers[HEADER]) == (200, "succeeded", "live")


async def test_while_civitai_is_away_the_archive_says_what_it_knows(
    archive: Archive, engine: AsyncEngine, client: httpx.AsyncClient
) -> None:
    (known,) = await archive.archived()
    await rows.execute(engine, "UPDATE workflows SET due_at = now()")  # so that Civitai would be asked
    url = f"{WORKFLOWS}/{known['id']}"
    assert (await client.get(url)).headers[HEADER] == "live"
    async with httpx.AsyncClient() as http:
        await http.post(f"{archive.sandbox.api_url}/sandbox/faults", json={"faults": {"api_500": 1}})
        for path in (url, f"{url}/steps/cats", WORKFLOWS):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers[HEADER]) == (200, "archive"), path
        missing = await client.get(f"{WORKFLOWS}/nobody")
        assert missing.status_code >= 500
        assert missing.headers["Content-Type"] == "application/problem+json"


async def test_when_nobody_listens_the_archive_answers_and_the_rest_is_said_to_be_away(
    archive: Archive, environment: dict[str, str], key: str
) -> None:
    (known,) = await archive.archived()
    away = settings.read(environment | {"CIVITAI_API_URL": "http://127.0.0.1:9"})
    async with (
        serving.app(create_app(away)) as url,
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client,
    ):
        assert (await client.get(f"{WORKFLOWS}/{known['id']}")).status_code == 200
        listed = await client.get(WORKFLOWS)
        assert [item["id"] for item in listed.json()["items"]] == [known["id"]]
        for answer in (
            await client.get(f"{WORKFLOWS}/nobody"),
            await client.post(WORKFLOWS, json={"steps": [STEP]}),
            await client.get(WORKFLOWS, params={"cursor": "theirs"}),
            await client.delete(f"{WORKFLOWS}/{known['id']}"),
        ):
            assert (answer.status_code, answer.json()["title"]) == (502, "Bad Gateway")


async def test_a_submission_gets_our_callback_is_followed_and_shows_no_secret(
    archive: Archive, environment: dict[str, str], key: str
) -> None:
    public = settings.read(environment | {"PUBLIC_URL": "http://127.0.0.1:9/hooks"})
    async with (
        serving.app(create_app(public)) as url,
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client,
    ):
        theirs = {"url": "http://127.0.0.1:9/theirs?token=hush-hush&run=7", "type": ["workflow:*"]}
        body = {"steps": [STEP], "metadata": QUICK, "callbacks": [theirs]}
        answer = await client.post(f"{WORKFLOWS}?wait=20", json=body)
        assert answer.status_code == 200
        (workflow,) = archive.sandbox.state.workflows.values()
        assert [registered.url for registered in workflow.registrations] == [
            theirs["url"],
            f"http://127.0.0.1:9/hooks/callbacks?token={SECRET}",
        ]
        assert workflow.registrations[1].detailed
        live = await client.get(f"{WORKFLOWS}/{workflow.id}", headers={HEADER: "live"})
        listed = await client.get(WORKFLOWS)
        for shown in (answer, live, listed):
            assert SECRET not in shown.text
            assert "hush-hush" not in shown.text
            assert "token=***&run=7" in shown.text.replace("\\u0026", "&")
        (row,) = await rows.select(archive.engine, "SELECT origin, due_at IS NOT NULL AS is_due FROM workflows")
        assert dict(row) == {"origin": "submit", "is_due": True}


@pytest.mark.parametrize(("headers", "query"), [({"X-Archive-Callback": "false"}, ""), ({}, "?whatif=true")])
async def test_a_submission_may_refuse_the_callback_and_what_is_only_asked_gets_none(
    archive: Archive, client: httpx.AsyncClient, headers: dict[str, str], query: str
) -> None:
    answer = await client.post(f"{WORKFLOWS}{query}", json={"steps": [STEP]}, headers=headers)
    assert answer.status_code in (200, 202)
    assert [workflow.registrations for workflow in archive.sandbox.state.workflows.values()] in ([], [[]])
    assert await rows.select(archive.engine, "SELECT id FROM workflows") == []


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b'"steps"', b"{", b"\xff", b"[" * 10_000])
async def test_what_is_no_submission_is_a_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(WORKFLOWS, content=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


async def test_a_submission_that_civitai_refuses_is_told_as_civitai_tells_it(client: httpx.AsyncClient) -> None:
    answer = await client.post(WORKFLOWS, json={"steps": []})
    assert (answer.status_code, answer.headers[HEADER]) == (400, "live")
    assert list(answer.json()["errors"]) == ["steps"]


async def test_a_step_is_the_same_from_both_sides(archive: Archive, client: httpx.AsyncClient) -> None:
    (known,) = await archive.archived()
    url = f"{WORKFLOWS}/{known['id']}/steps/cats"
    live, kept = [(await client.get(url, headers={HEADER: source})).json() for source in ("live", "archive")]
    assert without_addresses(live) == without_addresses(kept)
    absent = await client.get(f"{WORKFLOWS}/{known['id']}/steps/dogs", headers={HEADER: "archive"})
    assert absent.status_code == 404


@pytest.mark.parametrize(
    "escaped", ["..%2F..%2Fsandbox%2Fworkflows", "%2e%2e", "%00", "%ff", "a" * 600, "a%20b%3Fc%23", "%F0%9F%90%88"]
)
async def test_no_id_leads_anywhere_else(archive: Archive, client: httpx.AsyncClient, escaped: str) -> None:
    archive.sandbox.state.requests.clear()
    for path in (f"{WORKFLOWS}/{escaped}", f"{WORKFLOWS}/a/steps/{escaped}", f"/v2/consumer/blobs/{escaped}"):
        request = client.build_request("GET", "/x")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = await client.send(request)
        assert answer.status_code == 404
    assert all(seen.path.startswith("/v2/consumer/") for seen in archive.sandbox.state.requests)


async def test_an_id_may_hold_a_slash(archive: Archive, client: httpx.AsyncClient) -> None:
    document = {"id": "wf/1?x", "status": "succeeded", "steps": []}
    await rows.tell(archive.engine, "wf/1?x")
    await rows.execute(
        archive.engine,
        "UPDATE workflows SET document = cast(:document AS jsonb), due_at = NULL, archived_at = now()",
        document=json.dumps(document),
    )
    answer = await client.get(f"{WORKFLOWS}/wf%2F1%3Fx")
    assert (answer.status_code, answer.json()) == (200, document)


async def test_the_gateways_token_stays_with_civitai(archive: Archive, client: httpx.AsyncClient, key: str) -> None:
    fresh = await archive.submit()
    archive.sandbox.state.requests.clear()
    answers = [
        await client.get(f"{WORKFLOWS}/{fresh['id']}"),
        await client.get(f"/v2/consumer/blobs/{blob_of(fresh)['id']}"),
        await client.get(f"{WORKFLOWS}/nobody"),
    ]
    for answer in answers:
        assert archive.sandbox.token not in answer.text + repr(answer.headers)
    for seen in archive.sandbox.state.requests:
        assert seen.headers["authorization"] == f"Bearer {archive.sandbox.token}"
        assert key not in repr(seen)


async def test_numbers_come_back_with_every_digit(archive: Archive, client: httpx.AsyncClient) -> None:
    document = {"id": "wf", "status": "succeeded", "steps": [], "metadata": {"a": 10**40, "b": 2.0, "c": 2**64 - 1}}
    await rows.tell(archive.engine, "wf")
    await rows.execute(
        archive.engine,
        "UPDATE workflows SET document = cast(:document AS jsonb), due_at = NULL, archived_at = now()",
        document=json.dumps(document),
    )
    answer = await client.get(f"{WORKFLOWS}/wf")
    assert repr(answer.json()["metadata"]) == repr({"a": 10**40, "b": 2.0, "c": 2**64 - 1})
